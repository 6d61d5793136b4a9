/** Many texts, one byte a character, end to end in one buffer: a million strings would be a million objects. */
import { Buffer } from 'node:buffer'

const [upperA, upperZ] = [0x41, 0x5a]

export class TextStore {
  #bytes = new Uint8Array(16)
  /** A text begins where the one before it ends. */
  #ends = new Uint32Array(2)
  #size = 0
  readonly #lowers: boolean

  /** `lowers`: letters A to Z are kept as a to z. */
  constructor(lowers = false) {
    this.#lowers = lowers
  }

  /** How many texts there are; their numbers begin with 0. */
  get size(): number {
    return this.#size
  }

  /** What the places of texts refer to. It is another one behind `add`. */
  get bytes(): Uint8Array {
    return this.#bytes
  }

  startOf(number: number): number {
    return number === 0 ? 0 : (this.#ends[number - 1] ?? 0)
  }

  endOf(number: number): number {
    return this.#ends[number] ?? 0
  }

  text(number: number): string {
    const start = this.startOf(number)
    return Buffer.from(this.#bytes.buffer, start, this.endOf(number) - start).toString('latin1')
  }

  /** Adds a copy of what stands from `start` to `end` of `source`. */
  add(source: Uint8Array, start: number, end: number): void {
    const from = this.startOf(this.#size)
    this.#makeRoom(from + end - start)
    const bytes = this.#bytes
    for (let at = start, to = from; at < end; at++, to++) {
      const code = source[at] ?? 0
      bytes[to] = this.#lowers && code >= upperA && code <= upperZ ? code + 32 : code
    }
    this.#ends[this.#size++] = from + end - start
  }

  lengthOf(number: number): number {
    return this.endOf(number) - this.startOf(number)
  }

  /** Whether a text is what stands at `at` of another one. */
  isAt(number: number, text: string, at: number): boolean {
    const start = this.startOf(number)
    const length = this.endOf(number) - start
    if (at < 0 || at + length > text.length) return false
    for (let index = 0; index < length; index++)
      if (this.#bytes[start + index] !== text.charCodeAt(at + index)) return false
    return true
  }

  /** For one more text, which ends at `end`. */
  #makeRoom(end: number): void {
    if (end > this.#bytes.length) {
      const bytes = new Uint8Array(Math.max(end, this.#bytes.length * 2))
      bytes.set(this.#bytes)
      this.#bytes = bytes
    }
    if (this.#size < this.#ends.length) return
    const ends = new Uint32Array(this.#ends.length * 2)
    ends.set(this.#ends)
    this.#ends = ends
  }
}
