import { Buffer } from 'node:buffer'
import { lowerAscii } from '../http-text.ts'
import { requiredLiteral } from '../regex-literal.ts'
import { compileRegex } from '../regex.ts'
import type { SampleValue } from '../value.ts'
import { textOf } from '../value.ts'
import { PartIndex } from './part-index.ts'
import type { PatternCache, PatternShelf } from './pattern-cache.ts'
import type { PatternSet } from './pattern-set.ts'

/** For less expressions, to ask again is cheaper than to remember. */
const fewPatterns = 4

/** Up to so many expressions, to try all is cheaper than to look for their literals. */
const fewTried = 24

/** Shorter literals are in too many texts. */
const shortestLiteral = 3

/**
 * Regular expressions: the method `reg` (configuration.txt 7.1.4). The first that matches counts. Of many only those are tried whose
 * literal is a part of the text.
 */
export class RegexPatterns implements PatternSet {
  readonly #patterns: RegExp[] = []
  /** Numbers of expressions that have no literal. */
  readonly #always: number[] = []
  readonly #literals: PartIndex
  /** Numbers of expressions by those of their literals. */
  readonly #owners: number[] = []
  readonly #ignoreCase: boolean
  readonly #shelf: PatternShelf | undefined
  readonly #first = (text: string): number =>
    this.#candidates(text).find((number) => this.#patterns[number]?.test(text) === true) ?? -1

  constructor(ignoreCase: boolean, cache?: PatternCache) {
    this.#ignoreCase = ignoreCase
    this.#shelf = cache?.createShelf()
    this.#literals = new PartIndex(undefined, ignoreCase)
  }

  add(bytes: Buffer, start: number, end: number): string | undefined {
    const pattern = bytes.toString('latin1', start, end)
    const regexp = compileRegex(pattern, { ignoreCase: this.#ignoreCase })
    if (typeof regexp === 'string') return regexp
    const number = this.#patterns.push(regexp) - 1
    const literal = requiredLiteral(pattern)
    if (literal.length < shortestLiteral) this.#always.push(number)
    else {
      this.#owners.push(number)
      this.#literals.add(Buffer.from(literal, 'latin1'), 0, literal.length)
    }
    return undefined
  }

  prepare(): void {
    this.#literals.prepare()
  }

  find(sample: SampleValue): number {
    const text = textOf(sample)
    const { length } = this.#patterns
    if (this.#shelf !== undefined && length >= fewPatterns) return this.#shelf.answer(text, this.#first)
    return this.#first(text)
  }

  /** As find, with the match itself, for maps whose values refer to groups. */
  findMatch(text: string): { readonly match: RegExpExecArray; readonly number: number } | undefined {
    for (const number of this.#candidates(text)) {
      const match = this.#patterns[number]?.exec(text) ?? null
      if (match !== null) return { match, number }
    }
    return undefined
  }

  /** The numbers of the expressions that may match, in their order. */
  #candidates(text: string): readonly number[] {
    if (this.#patterns.length <= fewTried) return [...this.#patterns.keys()]
    const literals = this.#literals.all(this.#ignoreCase ? lowerAscii(text) : text)
    const owners = literals.map((literal) => this.#owners[literal] ?? 0)
    if (owners.length === 0) return this.#always
    return [...this.#always, ...owners].sort((a, b) => a - b)
  }
}
