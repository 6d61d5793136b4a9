import type { SampleValue } from '../value.ts'
import { textOf } from '../value.ts'
import { PartPatterns } from './part-patterns.ts'
import type { PatternCache } from './pattern-cache.ts'
import type { PatternSet } from './pattern-set.ts'

/** Parts between delimiters: the methods `dir` and `dom` (configuration.txt 7.1.3). Delimiters around a pattern do not count. */
export class WordPatterns implements PatternSet {
  readonly #words: PartPatterns
  /** By their codes. */
  readonly #delimits: readonly boolean[]

  constructor(delimiters: string, ignoreCase: boolean, cache?: PatternCache) {
    this.#delimits = Array.from({ length: 256 }, (_, code) => delimiters.includes(String.fromCharCode(code)))
    this.#words = new PartPatterns(
      ignoreCase,
      cache,
      (text, start, end) =>
        end > start &&
        (start === 0 || this.#delimits[text.charCodeAt(start - 1)] === true) &&
        (end === text.length || this.#delimits[text.charCodeAt(end)] === true),
    )
  }

  add(bytes: Uint8Array, start: number, end: number): undefined {
    let first = start
    let last = end
    while (first < last && this.#delimits[bytes[first] ?? 0] === true) first++
    while (last > first && this.#delimits[bytes[last - 1] ?? 0] === true) last--
    this.#words.add(bytes, first, last)
  }

  prepare(): void {
    this.#words.prepare()
  }

  find(sample: SampleValue): number {
    return this.#words.find(textOf(sample))
  }
}
