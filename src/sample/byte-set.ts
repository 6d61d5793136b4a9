/** A mutable set of byte values: what a character class of a regular expression is, once POSIX names and case are resolved. */
export class ByteSet {
  readonly #bits = new Uint8Array(256)

  /** Adds the bytes from `first` to `last`. */
  addRange(first: number, last: number): this {
    this.#bits.fill(1, first, last + 1)
    return this
  }

  add(other: ByteSet): this {
    for (let byte = 0; byte < 256; byte++) if (other.#bits[byte] === 1) this.#bits[byte] = 1
    return this
  }

  has(byte: number): boolean {
    return this.#bits[byte] === 1
  }

  /** Adds the other case of each ASCII letter. */
  foldCase(): this {
    for (let upper = 0x41; upper <= 0x5a; upper++) {
      const either = (this.#bits[upper] ?? 0) | (this.#bits[upper + 32] ?? 0)
      this.#bits[upper] = either
      this.#bits[upper + 32] = either
    }
    return this
  }

  /** A new set of all other bytes. */
  complement(): ByteSet {
    const set = new ByteSet()
    for (let byte = 0; byte < 256; byte++) set.#bits[byte] = 1 - (this.#bits[byte] ?? 0)
    return set
  }

  /** The set as an atom of a JavaScript regular expression. */
  format(): string {
    let ranges = ''
    for (let first = 0; first < 256; first++) {
      if (!this.has(first)) continue
      let last = first
      while (last < 255 && this.has(last + 1)) last++
      ranges += first === last ? formatByte(first) : `${formatByte(first)}-${formatByte(last)}`
      first = last
    }
    return ranges === '' ? '(?!)' : `[${ranges}]`
  }
}

/** A byte as an atom of a JavaScript regular expression, also within a class. */
export function formatByte(byte: number): string {
  const char = String.fromCharCode(byte)
  return /[0-9A-Za-z]/.test(char) ? char : `\\x${byte.toString(16).padStart(2, '0')}`
}

const range = (...pairs: readonly (readonly [number, number])[]): ByteSet => {
  const set = new ByteSet()
  for (const [first, last] of pairs) set.addRange(first, last)
  return set
}

const digit = range([0x30, 0x39])
const lower = range([0x61, 0x7a])
const upper = range([0x41, 0x5a])
const alpha = range([0x41, 0x5a], [0x61, 0x7a])
const alnum = range([0x30, 0x39], [0x41, 0x5a], [0x61, 0x7a])
const word = range([0x30, 0x39], [0x41, 0x5a], [0x61, 0x7a], [0x5f, 0x5f])
const space = range([9, 13], [0x20, 0x20])

/** POSIX classes in the C locale. */
export const posixClasses: ReadonlyMap<string, ByteSet> = new Map([
  ['alpha', alpha],
  ['digit', digit],
  ['alnum', alnum],
  ['lower', lower],
  ['upper', upper],
  ['space', space],
  ['blank', range([9, 9], [0x20, 0x20])],
  ['punct', range([0x21, 0x2f], [0x3a, 0x40], [0x5b, 0x60], [0x7b, 0x7e])],
  ['print', range([0x20, 0x7e])],
  ['graph', range([0x21, 0x7e])],
  ['cntrl', range([0, 0x1f], [0x7f, 0x7f])],
  ['xdigit', range([0x30, 0x39], [0x41, 0x46], [0x61, 0x66])],
  ['word', word],
  ['ascii', range([0, 0x7f])],
])

const horizontal = range([9, 9], [0x20, 0x20], [0xa0, 0xa0])
const vertical = range([10, 13], [0x85, 0x85])

/** What a backslash and a letter stand for. */
export const shorthandClasses: ReadonlyMap<string, ByteSet> = new Map([
  ['d', digit],
  ['D', digit.complement()],
  ['w', word],
  ['W', word.complement()],
  ['s', space],
  ['S', space.complement()],
  ['h', horizontal],
  ['H', horizontal.complement()],
  ['v', vertical],
  ['V', vertical.complement()],
])
