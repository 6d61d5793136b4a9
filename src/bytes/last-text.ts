import type { Reader } from './reader.ts'
import { shortText } from './short-text.ts'

/** Longer texts are seldom the same again. */
const longest = 32

/**
 * A text that is often the same as last time, such as the method of a request: to compare the bytes is cheaper than to make a
 * string of them.
 */
export class LastText {
  #text = ''

  /** The next `count` bytes as UTF-8 text. */
  read(reader: Reader, count: number): string {
    if (count > longest) return reader.utf8(count)
    const start = reader.skip(count)
    if (isText(reader.bytes, start, count, this.#text)) return this.#text
    const short = shortText(reader.bytes, start, count)
    if (short !== undefined) return (this.#text = short)
    reader.at = start
    const text = reader.utf8(count)
    // Of others, the characters are not the bytes.
    if (text.length === count) this.#text = text
    return text
  }
}

/** Whether the `size` bytes at `start` are this text, which has a byte for each character: what was no UTF-8 is U+FFFD, and no byte. */
function isText(bytes: Buffer, start: number, size: number, text: string): boolean {
  if (text.length !== size) return false
  // What differs is mostly behind what does not.
  for (let index = size - 1; index >= 0; index--)
    if (bytes[start + index] !== text.charCodeAt(index)) return false
  return true
}
