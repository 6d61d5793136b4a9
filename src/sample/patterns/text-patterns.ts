/**
 * Whole texts, beginnings, ends, parts and bytes: the methods `str`, `beg`, `end`, `sub` and `bin`
 * (configuration.txt 7.1.3 and 7.1.5).
 */
import type { Buffer } from 'node:buffer'
import { parseHex } from '../hex.ts'
import type { SampleValue } from '../value.ts'
import { textOf } from '../value.ts'
import { PartPatterns } from './part-patterns.ts'
import type { PatternCache } from './pattern-cache.ts'
import type { PatternSet } from './pattern-set.ts'
import { TextTable } from './text-table.ts'

/** Patterns that are texts in a table; how that is asked is what a method is. */
abstract class TablePatterns implements PatternSet {
  protected readonly table: TextTable

  constructor(anchor: 'beginning' | 'end', ignoreCase: boolean) {
    this.table = new TextTable(anchor, ignoreCase)
  }

  add(bytes: Uint8Array, start: number, end: number): undefined {
    this.table.add(bytes, start, end)
  }

  prepare(): void {
    this.table.prepare()
  }

  abstract find(sample: SampleValue): number
}

/** The method `str`. The first of equal patterns counts. */
export class ExactPatterns extends TablePatterns {
  constructor(ignoreCase: boolean) {
    super('beginning', ignoreCase)
  }

  find(sample: SampleValue): number {
    return this.table.whole(textOf(sample))
  }
}

/** The method `beg`: the longest counts. */
export class PrefixPatterns extends TablePatterns {
  constructor(ignoreCase: boolean) {
    super('beginning', ignoreCase)
  }

  find(sample: SampleValue): number {
    return this.table.longest(textOf(sample))
  }
}

/** The method `end`: the one that was added first counts. */
export class EndPatterns extends TablePatterns {
  constructor(ignoreCase: boolean) {
    super('end', ignoreCase)
  }

  find(sample: SampleValue): number {
    return this.table.first(textOf(sample))
  }
}

/** The method `bin`. */
export class BinaryPatterns implements PatternSet {
  readonly #table = new TextTable('beginning', false)

  add(bytes: Buffer, start: number, end: number): string | undefined {
    const digits = bytes.toString('latin1', start, end)
    const pattern = parseHex(digits)
    if (pattern === undefined) return `'${digits}' is not an even number of hex digits`
    this.#table.add(pattern, 0, pattern.length)
    return undefined
  }

  prepare(): void {
    this.#table.prepare()
  }

  find(sample: SampleValue): number {
    return this.#table.whole(textOf(sample))
  }
}

/** The method `sub`. The first that is a part counts. */
export class SubstringPatterns implements PatternSet {
  readonly #parts: PartPatterns

  constructor(ignoreCase: boolean, cache?: PatternCache) {
    this.#parts = new PartPatterns(ignoreCase, cache)
  }

  add(bytes: Uint8Array, start: number, end: number): undefined {
    this.#parts.add(bytes, start, end)
  }

  prepare(): void {
    this.#parts.prepare()
  }

  find(sample: SampleValue): number {
    return this.#parts.find(textOf(sample))
  }
}
