/**
 * Whole texts, beginnings, ends, parts and bytes: the methods `str`, `beg`, `end`, `sub` and `bin`
 * (configuration.txt 7.1.3 and 7.1.5).
 */
import { parseHex } from '../hex.ts'
import { lowerAscii } from '../http-text.ts'
import type { SampleValue } from '../value.ts'
import { textOf } from '../value.ts'
import type { PatternSet } from './pattern-set.ts'

/** The method `str`. The first of equal patterns counts. */
export class ExactPatterns<Value> implements PatternSet<Value> {
  readonly #values = new Map<string, { readonly value: Value }>()
  readonly #ignoreCase: boolean

  constructor(ignoreCase: boolean) {
    this.#ignoreCase = ignoreCase
  }

  add(pattern: string, value: Value): undefined {
    const key = this.#ignoreCase ? lowerAscii(pattern) : pattern
    if (!this.#values.has(key)) this.#values.set(key, { value })
  }

  find(sample: SampleValue): Value | undefined {
    const text = textOf(sample)
    return this.#values.get(this.#ignoreCase ? lowerAscii(text) : text)?.value
  }
}

/** The method `bin`. */
export class BinaryPatterns<Value> implements PatternSet<Value> {
  readonly #values = new Map<string, { readonly value: Value }>()

  add(pattern: string, value: Value): string | undefined {
    const bytes = parseHex(pattern)?.toString('latin1')
    if (bytes === undefined) return `'${pattern}' is not an even number of hex digits`
    if (!this.#values.has(bytes)) this.#values.set(bytes, { value })
    return undefined
  }

  find(sample: SampleValue): Value | undefined {
    return this.#values.get(textOf(sample))?.value
  }
}

interface Entry<Value> {
  readonly value: Value
  readonly order: number
}

/** Patterns by length: a look-up costs one hash probe for each length in use. */
class ByLength<Value> {
  readonly #tables = new Map<number, Map<string, Entry<Value>>>()
  readonly #ignoreCase: boolean
  #count = 0
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
    if (!table.has(key)) table.set(key, { value, order: this.#count++ })
  }

  /** The longest prefix, or undefined. */
  longestPrefix(sample: string): Entry<Value> | undefined {
    const text = this.#ignoreCase ? lowerAscii(sample) : sample
    for (const length of this.#lengths) {
      if (length > text.length) continue
      const entry = this.#tables.get(length)?.get(text.slice(0, length))
      if (entry !== undefined) return entry
    }
    return undefined
  }

  /** Of all suffixes the one that was added first, or undefined. */
  firstSuffix(sample: string): Entry<Value> | undefined {
    const text = this.#ignoreCase ? lowerAscii(sample) : sample
    let first: Entry<Value> | undefined
    for (const length of this.#lengths) {
      if (length > text.length) continue
      const entry = this.#tables.get(length)?.get(text.slice(text.length - length))
      if (entry !== undefined && (first === undefined || entry.order < first.order)) first = entry
    }
    return first
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
    return this.#patterns.longestPrefix(textOf(sample))?.value
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
    return this.#patterns.firstSuffix(textOf(sample))?.value
  }
}

/** The method `sub`. */
export class SubstringPatterns<Value> implements PatternSet<Value> {
  readonly #patterns: { readonly text: string; readonly value: Value }[] = []
  readonly #ignoreCase: boolean

  constructor(ignoreCase: boolean) {
    this.#ignoreCase = ignoreCase
  }

  add(pattern: string, value: Value): undefined {
    this.#patterns.push({ text: this.#ignoreCase ? lowerAscii(pattern) : pattern, value })
  }

  find(sample: SampleValue): Value | undefined {
    const text = this.#ignoreCase ? lowerAscii(textOf(sample)) : textOf(sample)
    return this.#patterns.find((pattern) => text.includes(pattern.text))?.value
  }
}
