/**
 * What leaves on one connection: frames gather in a borrowed buffer and go out in one write a turn. Also where a peer
 * that does not read is noticed.
 */
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import type { Writer } from '../bytes/writer.ts'
import { monotonic } from '../clock.ts'
import type { Flushable, FlushQueue } from './flush-queue.ts'
import type { AgentMetrics } from './metrics.ts'
import type { WriterPool } from './writer-pool.ts'

/** See the head of this file. */
export class Outbox implements Flushable {
  readonly #socket: Duplex
  readonly #flushes: FlushQueue
  readonly #writers: WriterPool
  readonly #metrics: AgentMetrics
  readonly #maxPending: number
  readonly #encrypted: boolean
  /** A socket has copied what it has written; another stream may keep a reference. */
  readonly #copies: boolean
  #writer: Writer | undefined
  #scheduled = false
  /** Frames are being made: the end of the turn flushes. */
  inTurn = false
  /** When the peer stopped reading, by the monotonic clock; 0 while it reads. */
  blockedSince = 0

  constructor(
    socket: Duplex,
    flushes: FlushQueue,
    writers: WriterPool,
    metrics: AgentMetrics,
    maxPending: number,
  ) {
    this.#socket = socket
    this.#flushes = flushes
    this.#writers = writers
    this.#metrics = metrics
    this.#maxPending = maxPending
    this.#encrypted = socket instanceof TLSSocket
    this.#copies = socket instanceof Socket && !this.#encrypted
  }

  /** Where the next frame goes. */
  get writer(): Writer {
    this.#writer ??= this.#writers.take()
    return this.#writer
  }

  /** Bytes that wait for {@link Outbox.flush}. */
  get size(): number {
    return this.#writer === undefined ? 0 : this.#writer.at
  }

  /** Flushes at the end of this turn of the loop; `now` by the monotonic clock. */
  schedule(now: number): void {
    if (this.#scheduled || this.#writer === undefined) return
    this.#scheduled = true
    this.#flushes.add(this, now)
  }

  /** Small questions may have large answers: one chunk must not make output without bound. */
  flushIfLarge(): void {
    if (this.size > this.#maxPending) this.flush()
  }

  /** Sends what has gathered, in one write. */
  flush(): void {
    const writer = this.#writer
    if (writer === undefined) return
    this.#writer = undefined
    this.#scheduled = false
    if (writer.at === 0 || this.#socket.destroyed || this.#socket.writableEnded)
      return this.#writers.give(writer)
    this.#metrics.bytesSent += writer.at
    if (this.#encrypted) this.#sendEncrypted(writer)
    else this.#socket.write(writer.view())
    const unsent = this.#socket.writableLength
    // Nothing left to send means that the kernel has its copy, and the buffer is ours again.
    if (unsent === 0 && this.#copies) this.#writers.give(writer)
    // Only a stream that is over its own mark tells when it has drained.
    else if (unsent > this.#maxPending && this.#socket.writableNeedDrain) this.#block()
  }

  /** A TLS socket encrypts after this turn, and says when it has. */
  #sendEncrypted(writer: Writer): void {
    this.#socket.write(writer.view(), (error) => {
      if (error === null || error === undefined) this.#writers.give(writer)
    })
  }

  /** The peer does not read: nothing more is taken from it until it does. */
  #block(): void {
    if (this.blockedSince !== 0) return
    this.blockedSince = monotonic()
    this.#socket.pause()
  }

  /** The stream has drained; answers whether the peer had been blocked. */
  unblock(): boolean {
    if (this.blockedSince === 0) return false
    this.blockedSince = 0
    return true
  }

  /** The connection is gone. */
  drop(): void {
    if (this.#writer !== undefined) this.#writers.give(this.#writer)
    this.#writer = undefined
  }
}
