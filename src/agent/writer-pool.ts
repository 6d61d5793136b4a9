/**
 * Outgoing buffers, lent for one turn: a connection that has nothing to say owns none, so memory follows the
 * connections that are busy and not those that are open.
 */
import { Writer } from '../bytes/writer.ts'

const firstSize = 4096
/** A thousand of the first size. What is beyond, in bytes, is not kept for the next borrower. */
const maxKept = 4_194_304

/** See the head of this file. */
export class WriterPool {
  readonly #free: Writer[] = []
  /** Bytes of the free ones. */
  #kept = 0

  take(): Writer {
    const writer = this.#free.pop()
    if (writer === undefined) return new Writer(firstSize)
    this.#kept -= writer.bytes.length
    return writer
  }

  /** Only for buffers that nothing reads any more, the socket included. */
  give(writer: Writer): void {
    const size = writer.bytes.length
    if (this.#kept + size > maxKept) return
    this.#kept += size
    writer.reset()
    this.#free.push(writer)
  }
}
