/** Patterns that are looked for anywhere in a text, with their values: what the methods `sub`, `dir` and `dom` have in common. */
import { lowerAscii } from '../http-text.ts'
import { PartIndex, type AcceptsPart } from './part-index.ts'
import type { PatternCache, PatternShelf } from './pattern-cache.ts'

/** For less patterns, to ask again is cheaper than to remember. */
const fewPatterns = 8

export class PartPatterns<Value> {
  readonly #index: PartIndex
  readonly #values: Value[] = []
  readonly #ignoreCase: boolean
  readonly #shelf: PatternShelf | undefined
  readonly #first = (text: string): number => this.#index.first(text)

  /** `accepts` decides where a part counts; without it, everywhere. */
  constructor(ignoreCase: boolean, cache: PatternCache | undefined, accepts?: AcceptsPart) {
    this.#ignoreCase = ignoreCase
    this.#shelf = cache?.createShelf()
    this.#index = new PartIndex(accepts)
  }

  add(pattern: string, value: Value): void {
    this.#index.add(this.#ignoreCase ? lowerAscii(pattern) : pattern)
    this.#values.push(value)
  }

  /** All patterns are there. */
  prepare(): void {
    this.#index.prepare()
  }

  /** The value of the first pattern that is found. */
  find(given: string): Value | undefined {
    const text = this.#ignoreCase ? lowerAscii(given) : given
    const remembered = this.#shelf !== undefined && this.#values.length >= fewPatterns
    const number = remembered ? this.#shelf.answer(text, this.#first) : this.#index.first(text)
    return number < 0 ? undefined : this.#values[number]
  }
}
