import { lowerAscii } from '../http-text.ts'
import type { SampleValue } from '../value.ts'
import { textOf } from '../value.ts'
import type { PatternSet } from './pattern-set.ts'

/** Parts between delimiters: the methods `dir` and `dom` (configuration.txt 7.1.3). Delimiters around a pattern do not count. */
export class WordPatterns<Value> implements PatternSet<Value> {
  readonly #patterns: { readonly word: string; readonly value: Value }[] = []
  readonly #delimiters: string
  readonly #ignoreCase: boolean

  constructor(delimiters: string, ignoreCase: boolean) {
    this.#delimiters = delimiters
    this.#ignoreCase = ignoreCase
  }

  add(pattern: string, value: Value): undefined {
    let first = 0
    let last = pattern.length
    while (first < last && this.#delimits(pattern, first)) first++
    while (last > first && this.#delimits(pattern, last - 1)) last--
    const word = pattern.slice(first, last)
    this.#patterns.push({ word: this.#ignoreCase ? lowerAscii(word) : word, value })
  }

  find(sample: SampleValue): Value | undefined {
    const text = this.#ignoreCase ? lowerAscii(textOf(sample)) : textOf(sample)
    return this.#patterns.find(({ word }) => this.#holds(text, word))?.value
  }

  #delimits(text: string, at: number): boolean {
    return this.#delimiters.includes(text[at] ?? '')
  }

  #holds(text: string, word: string): boolean {
    if (word === '') return false
    for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
      const end = at + word.length
      if ((at === 0 || this.#delimits(text, at - 1)) && (end === text.length || this.#delimits(text, end)))
        return true
    }
    return false
  }
}
