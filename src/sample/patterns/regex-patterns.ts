import { compileRegex } from '../regex.ts'
import type { SampleValue } from '../value.ts'
import { textOf } from '../value.ts'
import type { PatternSet } from './pattern-set.ts'

/** Regular expressions: the method `reg` (configuration.txt 7.1.4). The first that matches counts. */
export class RegexPatterns<Value> implements PatternSet<Value> {
  readonly #patterns: { readonly regexp: RegExp; readonly value: Value }[] = []
  readonly #ignoreCase: boolean

  constructor(ignoreCase: boolean) {
    this.#ignoreCase = ignoreCase
  }

  add(pattern: string, value: Value): string | undefined {
    const regexp = compileRegex(pattern, { ignoreCase: this.#ignoreCase })
    if (typeof regexp === 'string') return regexp
    this.#patterns.push({ regexp, value })
    return undefined
  }

  find(sample: SampleValue): Value | undefined {
    const text = textOf(sample)
    return this.#patterns.find(({ regexp }) => regexp.test(text))?.value
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
