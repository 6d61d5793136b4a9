/**
 * Finds which of many texts is a part of another one, at a cost that hardly depends on how many there are.
 *
 * Each text is filed under one of its grams (a few characters in a row): of some that are tried, the one under which
 * the fewest are filed already, so that what all texts begin with is no burden. A search looks at every gram of
 * the text that is searched, and compares only what is filed there.
 */
import { Buffer } from 'node:buffer'
import { HashChains } from './hash-chains.ts'
import { TextStore } from './text-store.ts'

/** Whether a part from `start` to `end` of what is searched counts; the empty one never does. */
export type AcceptsPart = (text: string, start: number, end: number) => boolean

/** Up to so many texts, to look for one after the other is cheaper. */
const fewTexts = 24

/** How many grams of a text are tried for its place. */
const triedGrams = 3

/** Any odd number with its bits mixed well. */
const multiplier = 0x01000193

/** Grams of one length: a text is filed under one of the longest that it has. */
interface Gram {
  readonly length: number
  /** What the character that leaves a gram has become by then. */
  readonly leaving: number
}

const grams: readonly Gram[] = [8, 4, 2, 1].map((length) => {
  let leaving = 1
  for (let power = 0; power < length; power++) leaving = Math.imul(leaving, multiplier)
  return { length, leaving }
})

export class PartIndex {
  readonly #texts: TextStore
  readonly #accepts: AcceptsPart | undefined
  #empty = -1
  #filed = 0
  /** Instead of the table. */
  #few: readonly string[] = []
  #table: GramTable | undefined

  /** `accepts` decides where a part counts; without it, everywhere. `lowers`: letters are kept in lower case. */
  constructor(accepts?: AcceptsPart, lowers = false) {
    this.#accepts = accepts
    this.#texts = new TextStore(lowers)
  }

  get size(): number {
    return this.#texts.size
  }

  /** Adds what stands from `start` to `end` of `bytes`: its number is how many were added before. */
  add(bytes: Uint8Array, start: number, end: number): void {
    if (start === end && this.#empty < 0 && this.#accepts === undefined) this.#empty = this.size
    this.#texts.add(bytes, start, end)
  }

  /** Files what was added; else the first search does. */
  prepare(): void {
    const { size } = this
    if (size === this.#filed) return
    this.#filed = size
    if (size > fewTexts) this.#table = new GramTable(this.#texts)
    else this.#few = Array.from({ length: size }, (_, number) => this.#texts.text(number))
  }

  /** The lowest number of a text that is a part of this one, or -1. */
  first(text: string): number {
    this.prepare()
    if (this.#table === undefined) return this.#firstOfFew(text)
    const none = this.#empty < 0 ? this.size : this.#empty
    const found = this.#table.first(text, none, this.#accepts)
    return found === this.size ? -1 : found
  }

  /** The numbers of all texts that are a part of this one, in no order. The empty one is left out. */
  all(text: string): number[] {
    this.prepare()
    if (this.#table !== undefined) return this.#table.all(text, this.#accepts)
    return [...this.#few.keys()].filter((number) => this.#few[number] !== '' && this.#isIn(text, number))
  }

  #firstOfFew(text: string): number {
    return this.#few.findIndex((_, number) => this.#isIn(text, number))
  }

  #isIn(text: string, number: number): boolean {
    const part = this.#few[number] ?? ''
    const accepts = this.#accepts
    if (accepts === undefined) return text.includes(part)
    let at = part === '' ? -1 : text.indexOf(part)
    while (at >= 0 && !accepts(text, at, at + part.length)) at = text.indexOf(part, at + 1)
    return at >= 0
  }
}

class GramTable {
  readonly #texts: TextStore
  readonly #chains: HashChains
  /** Where in each text its gram begins. */
  readonly #offsets: Uint32Array
  /** Those that texts are filed under. */
  readonly #grams: readonly Gram[]
  /** The text that is searched. */
  #codes = Buffer.alloc(64)

  constructor(texts: TextStore) {
    this.#texts = texts
    this.#chains = new HashChains(texts.size)
    this.#offsets = new Uint32Array(texts.size)
    this.#grams = this.#file()
  }

  /** The grams that were needed. */
  #file(): readonly Gram[] {
    const crowds = new Uint16Array(this.#chains.slots)
    const used = new Set<Gram>()
    let last: Gram | undefined
    // From the last to the first: a chain has the order of the numbers then.
    for (let number = this.#texts.size - 1; number >= 0; number--) {
      const start = this.#texts.startOf(number)
      const length = this.#texts.lengthOf(number)
      const gram = grams.find((each) => each.length <= length)
      if (gram === undefined) continue
      if (gram !== last) used.add(gram)
      last = gram
      this.#fileUnder(gram, number, start, length - gram.length, crowds)
    }
    return [...used]
  }

  /** Of some grams of a text takes the one with the fewest texts: the middle first, for beginnings and ends are often alike. */
  #fileUnder(gram: Gram, number: number, start: number, last: number, crowds: Uint16Array): void {
    const { bytes } = this.#texts
    let quietest = 0
    let offset = 0
    let least = Number.POSITIVE_INFINITY
    for (let tried = 0; tried < triedGrams && tried <= last && least > 0; tried++) {
      const place = tried === 0 ? last >> 1 : tried === 1 ? last : 0
      const hash = hashAt(bytes, start + place, gram.length)
      const crowd = crowds[this.#chains.slotOf(hash)] ?? 0
      if (crowd >= least) continue
      least = crowd
      quietest = hash
      offset = place
    }
    const slot = this.#chains.slotOf(quietest)
    // A crowd that is larger than can be counted is as bad.
    crowds[slot] = Math.min(least + 1, 0xffff)
    this.#chains.add(number, quietest)
    this.#offsets[number] = offset
  }

  /** The lowest number below `limit` of a text that is a part, or `limit`. */
  first(text: string, limit: number, accepts: AcceptsPart | undefined): number {
    this.#read(text)
    let best = limit
    for (const gram of this.#grams) best = this.#search(gram, text, best, accepts, undefined)
    return best
  }

  /** The numbers of all texts that are a part. */
  all(text: string, accepts: AcceptsPart | undefined): number[] {
    this.#read(text)
    const found = new Set<number>()
    for (const gram of this.#grams) this.#search(gram, text, this.#texts.size, accepts, found)
    return [...found]
  }

  #read(text: string): void {
    if (text.length > this.#codes.length) this.#codes = Buffer.alloc(text.length * 2)
    this.#codes.write(text, 'latin1')
  }

  /** The lowest number below `limit` that is found, or `limit`; with `all`, every number goes there. */
  #search(
    gram: Gram,
    text: string,
    limit: number,
    accepts: AcceptsPart | undefined,
    all: Set<number> | undefined,
  ): number {
    const { length, leaving } = gram
    const codes = this.#codes
    let best = limit
    let hash = 0
    for (let at = 0; at < text.length; at++) {
      hash = (Math.imul(hash, multiplier) + (codes[at] ?? 0)) | 0
      const first = at + 1 - length
      if (first < 0) continue
      if (first > 0) hash = (hash - Math.imul(codes[first - 1] ?? 0, leaving)) | 0
      let number = this.#chains.first(hash)
      for (; number >= 0 && number < best; number = this.#chains.after(number)) {
        if (!this.#counts(number, text, first - (this.#offsets[number] ?? 0), accepts)) continue
        if (all === undefined) best = number
        else all.add(number)
      }
    }
    return best
  }

  #counts(number: number, text: string, at: number, accepts: AcceptsPart | undefined): boolean {
    if (!this.#texts.isAt(number, text, at)) return false
    return accepts === undefined || accepts(text, at, at + this.#texts.lengthOf(number))
  }
}

function hashAt(bytes: Uint8Array, start: number, length: number): number {
  let hash = 0
  for (let at = start; at < start + length; at++) hash = (Math.imul(hash, multiplier) + (bytes[at] ?? 0)) | 0
  return hash
}
