import { compileRegex } from '../regex.ts'
import type { SampleValue } from '../value.ts'
import { textOf } from '../value.ts'
import type { PatternCache, PatternShelf } from './pattern-cache.ts'
import type { PatternSet } from './pattern-set.ts'

/** For less expressions, to ask again is cheaper than to remember. */
const fewPatterns = 4

/** Regular expressions: the method `reg` (configuration.txt 7.1.4). The first that matches counts. */
export class RegexPatterns<Value> implements PatternSet<Value> {
  readonly #patterns: { readonly regexp: RegExp; readonly value: Value }[] = []
  readonly #ignoreCase: boolean
  readonly #shelf: PatternShelf | undefined
  readonly #first = (text: string): number => this.#patterns.findIndex(({ regexp }) => regexp.test(text))

  constructor(ignoreCase: boolean, cache?: PatternCache) {
    this.#ignoreCase = ignoreCase
    this.#shelf = cache?.createShelf()
  }

  add(pattern: string, value: Value): string | undefined {
    const regexp = compileRegex(pattern, { ignoreCase: this.#ignoreCase })
    if (typeof regexp === 'string') return regexp
    this.#patterns.push({ regexp, value })
    return undefined
  }

  find(sample: SampleValue): Value | undefined {
    const text = textOf(sample)
    const remembered = this.#shelf !== undefined && this.#patterns.length >= fewPatterns
    const number = remembered ? this.#shelf.answer(text, this.#first) : this.#first(text)
    return this.#patterns[number]?.value
  }

  /** As find, with the match itself, for maps whose values refer to groups. */
  findMatch(text: string): { readonly match: RegExpExecArray; readonly value: Value } | undefined {
    for (const { regexp, value } of this.#patterns) {
      const match = regexp.exec(text)
      if (match !== null) return { match, value }
    }
    return undefined
  }
}
