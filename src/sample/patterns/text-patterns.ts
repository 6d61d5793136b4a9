/**
 * Whole texts, beginnings, ends, parts and bytes: the methods `str`, `beg`, `end`, `sub` and `bin`
 * (configuration.txt 7.1.3 and 7.1.5).
 */
import { parseHex } from '../hex.ts'
import { lowerAscii } from '../http-text.ts'
import type { SampleValue } from '../value.ts'
import { textOf } from '../value.ts'
import { PartPatterns } from './part-patterns.ts'
import type { PatternCache } from './pattern-cache.ts'
import type { PatternSet } from './pattern-set.ts'

/** The method `str`. The first of equal patterns counts. */
export class ExactPatterns<Value> implements PatternSet<Value> {
  readonly #values = new Map<string, Value>()
  readonly #ignoreCase: boolean

  constructor(ignoreCase: boolean) {
    this.#ignoreCase = ignoreCase
  }

  add(pattern: string, value: Value): undefined {
    const key = this.#ignoreCase ? lowerAscii(pattern) : pattern
    if (this.#values.get(key) === undefined) this.#values.set(key, value)
  }

  find(sample: SampleValue): Value | undefined {
    const text = textOf(sample)
    return this.#values.get(this.#ignoreCase ? lowerAscii(text) : text)
  }
}

/** The method `bin`. */
export class BinaryPatterns<Value> implements PatternSet<Value> {
  readonly #values = new Map<string, Value>()

  add(pattern: string, value: Value): string | undefined {
    const bytes = parseHex(pattern)?.toString('latin1')
    if (bytes === undefined) return `'${pattern}' is not an even number of hex digits`
    if (this.#values.get(bytes) === undefined) this.#values.set(bytes, value)
    return undefined
  }

  find(sample: SampleValue): Value | undefined {
    return this.#values.get(textOf(sample))
  }
}

/** Patterns by length, with their numbers: a look-up costs one hash probe for each length in use. */
class ByLength<Value> {
  readonly #tables = new Map<number, Map<string, number>>()
  readonly #values: Value[] = []
  readonly #ignoreCase: boolean
  /** Longest first. */
  #lengths: readonly number[] = []

  constructor(ignoreCase: boolean) {
    this.#ignoreCase = ignoreCase
  }

  add(pattern: string, value: Value): undefined {
    let table = this.#tables.get(pattern.length)
    if (table === undefined) {
      table = new Map()
      this.#tables.set(pattern.length, table)
      this.#lengths = [...this.#tables.keys()].sort((a, b) => b - a)
    }
    const key = this.#ignoreCase ? lowerAscii(pattern) : pattern
    if (table.get(key) === undefined) table.set(key, this.#values.push(value) - 1)
  }

  /** The longest prefix, or undefined. */
  longestPrefix(sample: string): Value | undefined {
    const text = this.#ignoreCase ? lowerAscii(sample) : sample
    for (const length of this.#lengths) {
      if (length > text.length) continue
      const number = this.#tables.get(length)?.get(text.slice(0, length))
      if (number !== undefined) return this.#values[number]
    }
    return undefined
  }

  /** Of all suffixes the one that was added first, or undefined. */
  firstSuffix(sample: string): Value | undefined {
    const text = this.#ignoreCase ? lowerAscii(sample) : sample
    let first = this.#values.length
    for (const length of this.#lengths) {
      if (length > text.length) continue
      const number = this.#tables.get(length)?.get(text.slice(text.length - length))
      if (number !== undefined && number < first) first = number
    }
    return this.#values[first]
  }
}

/** The method `beg`. */
export class PrefixPatterns<Value> implements PatternSet<Value> {
  readonly #patterns: ByLength<Value>

  constructor(ignoreCase: boolean) {
    this.#patterns = new ByLength(ignoreCase)
  }

  add(pattern: string, value: Value): undefined {
    this.#patterns.add(pattern, value)
  }

  find(sample: SampleValue): Value | undefined {
    return this.#patterns.longestPrefix(textOf(sample))
  }
}

/** The method `end`. */
export class EndPatterns<Value> implements PatternSet<Value> {
  readonly #patterns: ByLength<Value>

  constructor(ignoreCase: boolean) {
    this.#patterns = new ByLength(ignoreCase)
  }

  add(pattern: string, value: Value): undefined {
    this.#patterns.add(pattern, value)
  }

  find(sample: SampleValue): Value | undefined {
    return this.#patterns.firstSuffix(textOf(sample))
  }
}

/** The method `sub`. The first that is a part counts. */
export class SubstringPatterns<Value> implements PatternSet<Value> {
  readonly #parts: PartPatterns<Value>

  constructor(ignoreCase: boolean, cache?: PatternCache) {
    this.#parts = new PartPatterns(ignoreCase, cache)
  }

  add(pattern: string, value: Value): undefined {
    this.#parts.add(pattern, value)
  }

  prepare(): void {
    this.#parts.prepare()
  }

  find(sample: SampleValue): Value | undefined {
    return this.#parts.find(textOf(sample))
  }
}
