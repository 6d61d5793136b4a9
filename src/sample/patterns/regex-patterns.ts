import type { Buffer } from 'node:buffer'
import { compileRegex } from '../regex.ts'
import type { SampleValue } from '../value.ts'
import { textOf } from '../value.ts'
import type { PatternCache, PatternShelf } from './pattern-cache.ts'
import type { PatternSet } from './pattern-set.ts'

/** For less expressions, to ask again is cheaper than to remember. */
const fewPatterns = 4

/** Regular expressions: the method `reg` (configuration.txt 7.1.4). The first that matches counts. */
export class RegexPatterns implements PatternSet {
  readonly #patterns: RegExp[] = []
  readonly #ignoreCase: boolean
  readonly #shelf: PatternShelf | undefined
  readonly #first = (text: string): number => this.#patterns.findIndex((regexp) => regexp.test(text))

  constructor(ignoreCase: boolean, cache?: PatternCache) {
    this.#ignoreCase = ignoreCase
    this.#shelf = cache?.createShelf()
  }

  add(bytes: Buffer, start: number, end: number): string | undefined {
    const regexp = compileRegex(bytes.toString('latin1', start, end), { ignoreCase: this.#ignoreCase })
    if (typeof regexp === 'string') return regexp
    this.#patterns.push(regexp)
    return undefined
  }

  find(sample: SampleValue): number {
    const text = textOf(sample)
    const remembered = this.#shelf !== undefined && this.#patterns.length >= fewPatterns
    return remembered ? this.#shelf.answer(text, this.#first) : this.#first(text)
  }

  /** As find, with the match itself, for maps whose values refer to groups. */
  findMatch(text: string): { readonly match: RegExpExecArray; readonly number: number } | undefined {
    for (const [number, regexp] of this.#patterns.entries()) {
      const match = regexp.exec(text)
      if (match !== null) return { match, number }
    }
    return undefined
  }
}
