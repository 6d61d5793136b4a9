import type { Reader } from './reader.ts'

/** Longer texts are seldom names. */
const longest = 48

interface Known {
  readonly bytes: Buffer
  readonly text: string
}

/**
 * Texts that come again and again, such as the names of variables: to compare a few bytes is several times cheaper than to make
 * a string of them. It holds at most `size` texts, the latest of each slot.
 */
export class KnownTexts {
  readonly #slots: (Known | undefined)[]

  /** `size` is a power of 2. */
  constructor(size: number) {
    this.#slots = Array.from({ length: size })
  }

  /** The next `count` bytes as UTF-8 text. */
  read(reader: Reader, count: number): string {
    if (count === 0 || count > longest) return reader.utf8(count)
    const { bytes, at: start } = reader
    const end = reader.skip(count) + count
    // skip() has checked both bounds
    const hash = count + (bytes[start] as number) * 7 + (bytes[end - 1] as number) * 31
    const slot = hash & (this.#slots.length - 1)
    const known = this.#slots[slot]
    if (known !== undefined && known.bytes.length === count && isAt(known.bytes, bytes, start))
      return known.text
    const copy = Buffer.from(bytes.subarray(start, end))
    const text = copy.toString('utf8')
    this.#slots[slot] = { bytes: copy, text }
    return text
  }
}

function isAt(known: Buffer, bytes: Buffer, start: number): boolean {
  for (let index = 0; index < known.length; index++) if (known[index] !== bytes[start + index]) return false
  return true
}
