/** Patterns that are looked for anywhere in a text: what the methods `sub`, `dir` and `dom` have in common. */
import { lowerAscii } from '../http-text.ts'
import { PartIndex, type AcceptsPart } from './part-index.ts'
import type { PatternCache, PatternShelf } from './pattern-cache.ts'

/** For less patterns, to ask again is cheaper than to remember. */
const fewPatterns = 8

export class PartPatterns {
  readonly #index: PartIndex
  readonly #ignoreCase: boolean
  readonly #shelf: PatternShelf | undefined
  readonly #first = (text: string): number => this.#index.first(text)

  /** `accepts` decides where a part counts; without it, everywhere. */
  constructor(ignoreCase: boolean, cache: PatternCache | undefined, accepts?: AcceptsPart) {
    this.#ignoreCase = ignoreCase
    this.#shelf = cache?.createShelf()
    this.#index = new PartIndex(accepts, ignoreCase)
  }

  /** Adds what stands from `start` to `end` of `bytes`. */
  add(bytes: Uint8Array, start: number, end: number): void {
    this.#index.add(bytes, start, end)
  }

  /** All patterns are there. */
  prepare(): void {
    this.#index.prepare()
  }

  /** The number of the first pattern that is found, or -1. */
  find(given: string): number {
    const text = this.#ignoreCase ? lowerAscii(given) : given
    const remembered = this.#shelf !== undefined && this.#index.size >= fewPatterns
    return remembered ? this.#shelf.answer(text, this.#first) : this.#index.first(text)
  }
}
