import { Writer } from './writer.ts'

/** What is beyond, in bytes, is not kept for the next borrower. */
const maxKept = 4_194_304

/**
 * Buffers to write in, lent: a connection that has nothing to say owns none, nor does a handler that has set nothing.
 * Making a buffer for each would be most of what an answer costs: the collector of garbage has to visit every one.
 */
export class WriterPool {
  readonly #free: Writer[] = []
  /** Bytes of the free ones. */
  #kept = 0
  readonly #firstSize: number

  /** `firstSize` in bytes: a buffer grows when it has to, and stays so. */
  constructor(firstSize: number) {
    this.#firstSize = firstSize
  }

  take(): Writer {
    const writer = this.#free.pop()
    if (writer === undefined) return new Writer(this.#firstSize)
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
