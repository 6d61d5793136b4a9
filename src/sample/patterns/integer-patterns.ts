import { parseInteger } from '../int64.ts'
import type { Integer, SampleValue } from '../value.ts'
import { integerOf, textOf } from '../value.ts'
import type { PatternSet } from './pattern-set.ts'

interface Range {
  readonly low: Integer | undefined
  readonly high: Integer | undefined
}

/**
 * Parses `5`, `5:9`, `5:`, `:9`; `-` may stand for the colon, so a negative number can only be compared through an
 * operator, as in HAProxy. A complaint, as a string, when it is neither.
 */
export function parseRange(text: string): Range | string {
  const separator = text.search(/[:-]/)
  if (separator < 0) {
    const value = parseInteger(text)
    return value === undefined || text.startsWith('+')
      ? `'${text}' is not a number`
      : { low: value, high: value }
  }
  const before = text.slice(0, separator)
  const after = text.slice(separator + 1)
  const low = before === '' ? undefined : parseInteger(before)
  const high = after === '' ? undefined : parseInteger(after)
  const wrong =
    (before === '' && after === '') ||
    (before !== '' && low === undefined) ||
    (after !== '' && high === undefined) ||
    (low !== undefined && high !== undefined && low > high)
  return wrong ? `'${text}' is not a valid number range` : { low, high }
}

/** Integers and ranges: the methods `int` and `len` (configuration.txt 7.1.2). */
export class IntegerPatterns<Value> implements PatternSet<Value> {
  readonly #compares: 'value' | 'length'
  readonly #ranges: { readonly range: Range; readonly value: Value; readonly order: number }[] = []
  readonly #exact = new Map<Integer, { readonly value: Value; readonly order: number }>()

  constructor(compares: 'value' | 'length') {
    this.#compares = compares
  }

  add(pattern: string, value: Value): string | undefined {
    const range = parseRange(pattern)
    if (typeof range === 'string') return range
    this.addRange(range.low, range.high, value)
    return undefined
  }

  /** Adds a range whose ends are included; an undefined end is open. */
  addRange(low: Integer | undefined, high: Integer | undefined, value: Value): void {
    const order = this.#ranges.length + this.#exact.size
    if (low === undefined || low !== high) this.#ranges.push({ range: { low, high }, value, order })
    else if (!this.#exact.has(low)) this.#exact.set(low, { value, order })
  }

  /** The value of the first pattern that matches, in the order of addition. */
  find(sample: SampleValue): Value | undefined {
    const tested = this.#compares === 'value' ? integerOf(sample) : textOf(sample).length
    const exact = this.#exact.get(tested)
    for (const { range, value, order } of this.#ranges) {
      if (exact !== undefined && exact.order < order) break
      if (
        (range.low === undefined || range.low <= tested) &&
        (range.high === undefined || tested <= range.high)
      )
        return value
    }
    return exact?.value
  }
}
