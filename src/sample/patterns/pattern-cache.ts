/**
 * What was found of late, for sets of patterns that are dear to ask (`tune.pattern.cache-size`).
 *
 * The texts come from outside: a table of the texts themselves, not of their hashes, for a text that has the hash of another
 * one must not get its verdict. Two generations make the oldest go without a list of who was asked when.
 */
import { Buffer } from 'node:buffer'
import { defaults } from '../../config/model/defaults.ts'

/** Longer texts are not kept. */
const longest = 512

/** All sets of a configuration share its room. */
export class PatternCache {
  readonly #half: number
  #young = 0
  #generation = 0

  /** `size` is the number of answers that all sets keep together; 0 keeps none. */
  constructor(size: number = defaults.patternCacheSize) {
    this.#half = Math.ceil(size / 2)
  }

  get generation(): number {
    return this.#generation
  }

  /** The place of one set; undefined where nothing is kept. */
  createShelf(): PatternShelf | undefined {
    return this.#half === 0 ? undefined : new PatternShelf(this)
  }

  /** One more is kept. */
  grow(): void {
    if (++this.#young < this.#half) return
    this.#young = 0
    this.#generation++
  }
}

/** The answers of one set: numbers of patterns, and -1 for none. */
export class PatternShelf {
  readonly #cache: PatternCache
  #generation: number
  #young = new Map<string, number>()
  #old = new Map<string, number>()

  constructor(cache: PatternCache) {
    this.#cache = cache
    this.#generation = cache.generation
  }

  /** What `ask` says, or has said of late. */
  answer(text: string, ask: (text: string) => number): number {
    if (text.length > longest) return ask(text)
    this.#age()
    const young = this.#young.get(text)
    if (young !== undefined) return young
    const answer = this.#old.get(text) ?? ask(text)
    // A copy: a piece of a head would keep the whole of it. Texts have one character a byte.
    this.#young.set(Buffer.from(text, 'latin1').toString('latin1'), answer)
    this.#cache.grow()
    return answer
  }

  #age(): void {
    const { generation } = this.#cache
    if (generation === this.#generation) return
    this.#old = generation === this.#generation + 1 ? this.#young : new Map()
    this.#young = new Map()
    this.#generation = generation
  }
}
