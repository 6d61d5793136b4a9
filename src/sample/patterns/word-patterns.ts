import type { SampleValue } from '../value.ts'
import { textOf } from '../value.ts'
import { PartPatterns } from './part-patterns.ts'
import type { PatternCache } from './pattern-cache.ts'
import type { PatternSet } from './pattern-set.ts'

/** Parts between delimiters: the methods `dir` and `dom` (configuration.txt 7.1.3). Delimiters around a pattern do not count. */
export class WordPatterns<Value> implements PatternSet<Value> {
  readonly #words: PartPatterns<Value>
  readonly #delimiters: string

  constructor(delimiters: string, ignoreCase: boolean, cache?: PatternCache) {
    this.#delimiters = delimiters
    this.#words = new PartPatterns(
      ignoreCase,
      cache,
      (text, start, end) =>
        end > start &&
        (start === 0 || this.#delimits(text, start - 1)) &&
        (end === text.length || this.#delimits(text, end)),
    )
  }

  add(pattern: string, value: Value): undefined {
    let first = 0
    let last = pattern.length
    while (first < last && this.#delimits(pattern, first)) first++
    while (last > first && this.#delimits(pattern, last - 1)) last--
    this.#words.add(pattern.slice(first, last), value)
  }

  prepare(): void {
    this.#words.prepare()
  }

  find(sample: SampleValue): Value | undefined {
    return this.#words.find(textOf(sample))
  }

  #delimits(text: string, at: number): boolean {
    return this.#delimiters.includes(text[at] ?? '')
  }
}
