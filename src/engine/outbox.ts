import { Buffer } from 'node:buffer'
import type { Writer } from '../bytes/writer.ts'
import type { WriterPool } from '../bytes/writer-pool.ts'
import type { Transport } from './socket.ts'

/**
 * What is gathered beyond, in bytes, goes to another buffer: those of one turn are many buffers of usual sizes, which serve
 * again, for to make a large one anew costs more than all that is written to it.
 */
const mostGathered = 262_144
/** A buffer that is larger than this is worth a call of its own when the kernel has taken it later. */
const smallSize = 65_536

/** What a connection sends: gathered during a turn of the loop, written at its end, at once if it is not much. */
export class Outbox {
  /** The kernel takes no more for now: write nothing until {@link Outbox.drained}. */
  blocked = false
  readonly #socket: Transport
  readonly #pool: WriterPool
  #writer: Writer | undefined
  /** Those that are full, in their order. */
  #full: Writer[] | undefined

  constructor(socket: Transport, pool: WriterPool) {
    this.#socket = socket
    this.#pool = pool
  }

  /** Where the next frame goes: ask for each. */
  get writer(): Writer {
    let writer = this.#writer
    if (writer !== undefined && writer.at > mostGathered) {
      this.#full ??= []
      this.#full.push(writer)
      writer = undefined
    }
    writer ??= this.#pool.take()
    this.#writer = writer
    return writer
  }

  /** Writes all that was gathered. */
  flush(): void {
    if (!this.#socket.writable) return
    const full = this.#full
    const last = this.#writer
    // An agent in the same process reads while this writes, and its handlers may ask this engine.
    this.#full = undefined
    this.#writer = undefined
    if (full !== undefined) for (const writer of full) this.#write(writer)
    if (last !== undefined) this.#write(last)
  }

  /** Empties it of what was gathered, which is not written any more. */
  takeBack(): Buffer[] {
    const full = this.#full ?? []
    const all = this.#writer === undefined ? full : [...full, this.#writer]
    this.#full = undefined
    this.#writer = undefined
    return all.map((writer) => {
      const bytes = Buffer.from(writer.view())
      this.#pool.give(writer)
      return bytes
    })
  }

  #write(writer: Writer): void {
    const socket = this.#socket
    const pool = this.#pool
    if (writer.at === 0) return pool.give(writer)
    let whole: boolean
    if (writer.bytes.length > smallSize) {
      whole = socket.write(writer.view(), (error) => {
        if (error === null || error === undefined) pool.give(writer)
      })
    } else {
      whole = socket.write(writer.view())
      // The runtime writes at once what it can; while it holds a rest, the bytes must stay as they are.
      if (socket.writableLength === 0) pool.give(writer)
    }
    this.blocked = !whole && socket.writableLength > 0
  }

  /** The socket's `drain`. Answers whether that ends a blockade. */
  drained(): boolean {
    const was = this.blocked
    this.blocked = false
    return was
  }
}
