/**
 * Outgoing buffers, lent for one turn: a connection that has nothing to say owns none, so memory follows the
 * connections that are busy and not those that are open.
 */
import { Writer } from '../bytes/writer.ts'

/** Buffers kept for the next borrower. */
const maxKept = 256
const firstSize = 4096
/** A buffer that had to grow beyond this is not kept. */
const maxKeptSize = 262_144

/** See the head of this file. */
export class WriterPool {
  readonly #free: Writer[] = []

  take(): Writer {
    return this.#free.pop() ?? new Writer(firstSize)
  }

  /** Only for buffers that nothing reads any more, the socket included. */
  give(writer: Writer): void {
    if (this.#free.length >= maxKept || writer.bytes.length > maxKeptSize) return
    writer.reset()
    this.#free.push(writer)
  }
}
