/**
 * Finds which of many texts is a part of another one, at a cost that hardly depends on how many there are.
 *
 * Each text is filed under one of its grams (a few characters in a row): of some that are tried, the one under which
 * the fewest are filed already, so that what all texts begin with is no burden. A search looks at every gram of
 * the text that is searched, and compares only what is filed there.
 */

/** Whether a part from `start` to `end` of what is searched counts; the empty one never does. */
export type AcceptsPart = (text: string, start: number, end: number) => boolean

/** Up to so many texts, to look for one after the other is cheaper. */
const fewTexts = 24

/** How many grams of a text are tried for its place. */
const triedGrams = 3

/** Grams of these lengths; a text is filed under one of the longest that it has. */
const gramLengths = [8, 4, 2, 1] as const

/** Any odd number with its bits mixed well. */
const multiplier = 0x01000193

export class PartIndex {
  readonly #texts: string[] = []
  readonly #accepts: AcceptsPart | undefined
  #empty = -1
  #tables: readonly GramTable[] | undefined

  /** `accepts` decides where a part counts; without it, everywhere. */
  constructor(accepts?: AcceptsPart) {
    this.#accepts = accepts
  }

  get size(): number {
    return this.#texts.length
  }

  /** Adds a text: its number is how many were added before it. */
  add(text: string): void {
    if (text === '' && this.#empty < 0 && this.#accepts === undefined) this.#empty = this.#texts.length
    this.#texts.push(text)
    this.#tables = undefined
  }

  /** Files what was added; else the first search does. */
  prepare(): void {
    if (this.#texts.length > fewTexts) this.#tables ??= tablesOf(this.#texts)
  }

  /** The lowest number of a text that is a part of this one, or -1. */
  first(text: string): number {
    this.prepare()
    return this.#tables === undefined ? this.#firstOfFew(text) : this.#firstOfMany(text, this.#tables)
  }

  #firstOfFew(text: string): number {
    const accepts = this.#accepts
    return this.#texts.findIndex((part) => {
      if (accepts === undefined) return text.includes(part)
      let at = part === '' ? -1 : text.indexOf(part)
      while (at >= 0 && !accepts(text, at, at + part.length)) at = text.indexOf(part, at + 1)
      return at >= 0
    })
  }

  #firstOfMany(text: string, tables: readonly GramTable[]): number {
    let best = this.#empty < 0 ? this.#texts.length : this.#empty
    for (const table of tables) best = table.first(text, this.#texts, best, this.#accepts)
    return best === this.#texts.length ? -1 : best
  }
}

function tablesOf(texts: readonly string[]): GramTable[] {
  const counts = new Map<number, number>()
  for (const { length } of texts) {
    const gram = gramFor(length)
    counts.set(gram, (counts.get(gram) ?? 0) + 1)
  }
  return gramLengths.flatMap((gram) => {
    const count = counts.get(gram)
    return count === undefined ? [] : [new GramTable(gram, texts, count)]
  })
}

/** 0 for the empty text. */
function gramFor(length: number): number {
  if (length >= 8) return 8
  if (length >= 4) return 4
  return length >= 2 ? 2 : length
}

/** The texts that are filed under grams of one length. */
class GramTable {
  readonly #gram: number
  /** What the character that leaves a gram has become by then. */
  readonly #leaving: number
  /** The highest bits of a mixed hash are the slot. */
  readonly #shift: number
  /** Where the texts of a slot begin in the arrays below; those of the next one end them. */
  readonly #starts: Int32Array
  readonly #hashes: Int32Array
  readonly #numbers: Int32Array
  readonly #offsets: Int32Array

  constructor(gram: number, texts: readonly string[], count: number) {
    this.#gram = gram
    let leaving = 1
    for (let power = 0; power < gram; power++) leaving = Math.imul(leaving, multiplier)
    this.#leaving = leaving
    // Two slots for a text, at least: most grams of a text that is searched then find an empty one.
    const bits = Math.max(4, 33 - Math.clz32(count))
    this.#shift = 32 - bits
    this.#starts = new Int32Array((1 << bits) + 1)
    this.#hashes = new Int32Array(count)
    this.#numbers = new Int32Array(count)
    this.#offsets = new Int32Array(count)
    this.#file(texts, count)
  }

  #file(texts: readonly string[], count: number): void {
    const sizes = new Int32Array(this.#starts.length)
    const places = new Int32Array(count)
    const hashes = new Int32Array(count)
    const numbers = new Int32Array(count)
    let filed = 0
    for (let number = 0; number < texts.length; number++) {
      const text = texts[number] ?? ''
      if (gramFor(text.length) !== this.#gram) continue
      const offset = this.#quietest(text, sizes)
      const hash = this.#hashAt(text, offset)
      places[filed] = offset
      hashes[filed] = hash
      numbers[filed++] = number
      const slot = this.#slotOf(hash)
      sizes[slot] = (sizes[slot] ?? 0) + 1
    }
    this.#sort(sizes, hashes, numbers, places)
  }

  /** Puts what belongs to a slot together, in the order of the numbers. */
  #sort(sizes: Int32Array, hashes: Int32Array, numbers: Int32Array, places: Int32Array): void {
    let start = 0
    for (let slot = 0; slot < sizes.length; slot++) {
      this.#starts[slot] = start
      start += sizes[slot] ?? 0
    }
    const next = this.#starts.slice()
    for (let index = 0; index < hashes.length; index++) {
      const hash = hashes[index] ?? 0
      const slot = this.#slotOf(hash)
      const at = next[slot] ?? 0
      next[slot] = at + 1
      this.#hashes[at] = hash
      this.#numbers[at] = numbers[index] ?? 0
      this.#offsets[at] = places[index] ?? 0
    }
  }

  /** Of some grams of a text the one with the fewest texts: the middle first, for beginnings and ends are often alike. */
  #quietest(text: string, sizes: Int32Array): number {
    const last = text.length - this.#gram
    let quietest = 0
    let least = Number.POSITIVE_INFINITY
    for (let tried = 0; tried < triedGrams && tried <= last; tried++) {
      const offset = tried === 0 ? last >> 1 : tried === 1 ? last : 0
      const size = sizes[this.#slotOf(this.#hashAt(text, offset))] ?? 0
      if (size >= least) continue
      quietest = offset
      least = size
      if (size === 0) break
    }
    return quietest
  }

  /** The lowest number below `best` of a text that is a part, or `best`. */
  first(text: string, texts: readonly string[], best: number, accepts: AcceptsPart | undefined): number {
    const last = text.length - this.#gram
    if (last < 0) return best
    let hash = this.#hashAt(text, 0)
    let found = this.#compare(hash, 0, text, texts, best, accepts)
    for (let at = 1; at <= last; at++) {
      const entering = text.charCodeAt(at + this.#gram - 1)
      hash = (Math.imul(hash, multiplier) + entering - Math.imul(text.charCodeAt(at - 1), this.#leaving)) | 0
      found = this.#compare(hash, at, text, texts, found, accepts)
    }
    return found
  }

  #compare(
    hash: number,
    at: number,
    text: string,
    texts: readonly string[],
    best: number,
    accepts: AcceptsPart | undefined,
  ): number {
    const slot = this.#slotOf(hash)
    const end = this.#starts[slot + 1] ?? 0
    for (let index = this.#starts[slot] ?? 0; index < end; index++) {
      const number = this.#numbers[index] ?? 0
      if (number >= best) return best
      if (this.#hashes[index] !== hash) continue
      const start = at - (this.#offsets[index] ?? 0)
      const part = texts[number] ?? ''
      if (start < 0 || !text.startsWith(part, start)) continue
      if (accepts === undefined || accepts(text, start, start + part.length)) return number
    }
    return best
  }

  #hashAt(text: string, offset: number): number {
    let hash = 0
    for (let at = offset; at < offset + this.#gram; at++)
      hash = (Math.imul(hash, multiplier) + text.charCodeAt(at)) | 0
    return hash
  }

  #slotOf(hash: number): number {
    return Math.imul(hash ^ (hash >>> 15), 0x9e3779b1) >>> this.#shift
  }
}
