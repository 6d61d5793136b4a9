import { Writer } from '../bytes/writer.ts'

/** A larger buffer is not kept. */
const keptSize = 65_536

/**
 * Messages that their sender has encoded itself, as they stand in a NOTIFY: for hot paths that send the same messages again
 * and again, with other values. Whoever is given them copies the bytes before it returns, so that one object serves all
 * calls.
 */
export class EncodedMessages {
  #writer = new Writer()

  /**
   * Each message: its name (a string of SPOP), one byte that counts its arguments, and for each of these its name and a
   * typed value. Nothing is checked.
   */
  get writer(): Writer {
    return this.#writer
  }

  /** Forgets what was written, for the next messages. */
  reset(): void {
    if (this.#writer.bytes.length > keptSize) this.#writer = new Writer()
    else this.#writer.reset()
  }
}
