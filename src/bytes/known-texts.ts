import { KnownBytes } from './known-bytes.ts'
import type { Reader } from './reader.ts'

/** Texts that come again and again, such as the names of variables: at most `size` of them, see {@link KnownBytes}. */
export class KnownTexts {
  readonly #known: KnownBytes<string>

  /** `size` is a power of 2. */
  constructor(size: number) {
    this.#known = new KnownBytes(size)
  }

  /** The next `count` bytes as UTF-8 text. */
  read(reader: Reader, count: number): string {
    const { bytes, at: start } = reader
    const end = reader.skip(count) + count
    const known = this.#known.find(bytes, start, end)
    if (known !== undefined) return known
    reader.at = start
    const text = reader.utf8(count)
    this.#known.add(bytes, start, end, text)
    return text
  }
}
