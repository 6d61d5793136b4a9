import { Buffer } from 'node:buffer'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import type { Writer } from '../bytes/writer.ts'
import type { Flushable, Turn } from '../base/turn.ts'
import { isPlainSocket } from '../net/inside.ts'
import { waitingBytes, writeQuickly } from '../net/quick-write.ts'
import type { AgentMetrics } from './metrics.ts'
import type { WriterPool } from '../bytes/writer-pool.ts'

/** What outboxes of one agent share. */
export interface OutboxSettings {
  readonly turn: Turn
  readonly writers: WriterPool
  readonly metrics: AgentMetrics
  /** See `AgentOptions.maxPendingOutput`. */
  readonly maxPendingOutput: number
  /** The largest frame, in bytes, without its length field. */
  readonly maxFrameSize: number
}

/** A frame that is to be sent has room in this many of them, whatever `maxPendingOutput` says. */
const leastFrames = 4

/**
 * What leaves on one connection: frames gather in a borrowed buffer and go out in one write a turn. Also where a peer that
 * does not read is noticed.
 *
 * While the stream has more than it likes, frames gather here and not there: all that waits is counted, as memory and not
 * as bytes, for a view of a few bytes holds its whole buffer. At half of the limit the connection is {@link Outbox.full},
 * and nothing more is read from its peer; what was asked before is still answered, up to the limit.
 */
export class Outbox implements Flushable {
  readonly #socket: Duplex
  readonly #shared: OutboxSettings
  /** Bytes of memory. */
  readonly #limit: number
  readonly #encrypted: boolean
  readonly #quick: boolean
  /** A socket, also one in memory, has copied what it has written; another stream may keep a reference. */
  readonly #copies: boolean
  #writer: Writer | undefined
  #scheduled = false
  /** The stream has more than it likes, and will say when it has drained. */
  #waiting = false
  /** Memory behind the bytes of a buffer that the stream holds. */
  #slack = 0
  /** Bytes that the stream was given. */
  #sent = 0
  /** Bytes of them that had left when the peer was last looked at, and since when it is so many. */
  #left = -1
  #leftAt = 0
  /** Frames are being made: the end of the turn flushes. */
  inTurn = false

  constructor(socket: Duplex, shared: OutboxSettings) {
    this.#socket = socket
    this.#shared = shared
    this.#limit = Math.max(shared.maxPendingOutput, leastFrames * shared.maxFrameSize)
    this.#encrypted = socket instanceof TLSSocket
    this.#quick = isPlainSocket(socket)
    this.#copies = socket instanceof Socket ? !this.#encrypted : copiesWrites(socket)
  }

  /** Where the next frame goes. */
  get writer(): Writer {
    this.#writer ??= this.#shared.writers.take()
    return this.#writer
  }

  /** Whether the peer is to read first, before it may ask for more. */
  get full(): boolean {
    return this.#waiting && this.#heldWith(this.#shared.maxFrameSize) > this.#limit / 2
  }

  /** Whether more waits for the peer than may. */
  get over(): boolean {
    return this.#waiting && this.#heldWith(0) > this.#limit
  }

  /** Bytes of memory that wait for the peer when `more` bytes have been written as well. */
  #heldWith(more: number): number {
    const writer = this.#writer
    let gathered = 0
    if (writer !== undefined) {
      gathered = writer.bytes.length
      if (writer.at + more > gathered) gathered *= 2 // as it grows
    }
    return gathered + waitingBytes(this.#socket) + this.#slack
  }

  /** Flushes at the end of this turn of the loop; `now` by the monotonic clock. */
  schedule(now: number): void {
    if (this.#scheduled || this.#waiting || this.#writer === undefined) return
    this.#scheduled = true
    this.#shared.turn.add(this, now)
  }

  /** Small questions may have large answers: one chunk must not make output without bound. */
  flushIfLarge(): void {
    const writer = this.#writer
    if (writer !== undefined && writer.at > this.#limit / 4 - this.#shared.maxFrameSize) this.flush()
  }

  /** Sends what has gathered, in one write; while the peer does not read, it goes on gathering. */
  flush(): void {
    this.#scheduled = false
    if (!this.#waiting) this.finish()
  }

  /** Sends what has gathered, whether the peer reads or not: for the last frame. */
  finish(): void {
    const writer = this.#writer
    const socket = this.#socket
    if (writer === undefined) return
    this.#writer = undefined
    if (writer.at === 0 || socket.destroyed || socket.writableEnded) return this.#shared.writers.give(writer)
    this.#shared.metrics.bytesSent += writer.at
    this.#sent += writer.at
    if (this.#quick && this.#writeQuickly(writer)) return
    this.#write(writer)
    this.#waiting = socket.writableLength > 0 && socket.writableNeedDrain
  }

  /** False: the stream is to write it. */
  #writeQuickly(writer: Writer): boolean {
    const socket = this.#socket
    const { writers } = this.#shared
    const written = writeQuickly(socket as Socket, writer.view()) // as `#quick` says
    if (written === undefined) return false
    if (written === true) {
      writers.give(writer)
      return true
    }
    this.#slack = writer.bytes.length - writer.at
    this.#waiting = waitingBytes(socket) >= socket.writableHighWaterMark
    written.onTaken = (error) => {
      if (error !== undefined) return
      writers.give(writer)
      this.drained()
    }
    return true
  }

  #write(writer: Writer): void {
    const socket = this.#socket
    const { writers } = this.#shared
    if (waitingBytes(socket) > 0) {
      // It has to wait in any case: in a piece of memory of its size.
      socket.write(Buffer.from(writer.view()))
      return writers.give(writer)
    }
    if (this.#encrypted) {
      // A TLS socket encrypts after this turn, and says when it has.
      socket.write(writer.view(), (error) => {
        if (error === null || error === undefined) writers.give(writer)
      })
    } else socket.write(writer.view())
    // Nothing left to send means that the kernel has its copy, and the buffer is ours again.
    if (socket.writableLength === 0 && this.#copies) return writers.give(writer)
    this.#slack = writer.bytes.length - writer.at
  }

  /** The stream has drained: what has gathered meanwhile leaves. */
  drained(): void {
    this.#waiting = false
    this.#slack = 0
    this.finish()
  }

  /** For how long nothing of what waits has left, in milliseconds; to be asked now and then. */
  stalledFor(now: number): number {
    const unsent = waitingBytes(this.#socket)
    const left = this.#sent - unsent
    if (unsent === 0 || left !== this.#left) this.#leftAt = now
    this.#left = left
    return now - this.#leftAt
  }

  /** The connection is gone. */
  drop(): void {
    if (this.#writer !== undefined) this.#shared.writers.give(this.#writer)
    this.#writer = undefined
  }
}

function copiesWrites(stream: Duplex & { readonly copiesWrites?: unknown }): boolean {
  return stream.copiesWrites === true
}
