import type { Buffer } from 'node:buffer'
import { NumberTable } from '../../base/number-table.ts'
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
function parseRange(text: string): Range | string {
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

/** Exact integers below this are in a table of their own. */
const tableEnd = 2 ** 32

const [zero, nine] = [0x30, 0x39]

/** Integers and ranges: the methods `int` and `len` (configuration.txt 7.1.2). The first that matches counts. */
export class IntegerPatterns implements PatternSet {
  readonly #compares: 'value' | 'length'
  readonly #ranges: { readonly range: Range; readonly number: number }[] = []
  readonly #exact = new NumberTable()
  readonly #others = new Map<Integer, number>()
  #size = 0

  constructor(compares: 'value' | 'length') {
    this.#compares = compares
  }

  add(bytes: Buffer, start: number, end: number): string | undefined {
    const plain = readPlain(bytes, start, end)
    if (plain >= 0) {
      this.#addExact(plain)
      return undefined
    }
    const range = parseRange(bytes.toString('latin1', start, end))
    if (typeof range === 'string') return range
    this.addRange(range.low, range.high)
    return undefined
  }

  /** Adds a range whose ends are included; an undefined end is open. */
  addRange(low: Integer | undefined, high: Integer | undefined): void {
    if (low === undefined || low !== high) this.#ranges.push({ range: { low, high }, number: this.#size++ })
    else this.#addExact(low)
  }

  find(sample: SampleValue): number {
    const tested = this.#compares === 'value' ? integerOf(sample) : textOf(sample).length
    const exact = this.#numberOf(tested)
    for (const { range, number } of this.#ranges) {
      if (exact >= 0 && exact < number) break
      if (
        (range.low === undefined || range.low <= tested) &&
        (range.high === undefined || tested <= range.high)
      )
        return number
    }
    return exact
  }

  #addExact(value: Integer): void {
    const number = this.#size++
    if (this.#numberOf(value) >= 0) return
    if (isInTable(value)) this.#exact.set(value, number)
    else this.#others.set(value, number)
  }

  #numberOf(value: Integer): number {
    return isInTable(value) ? this.#exact.get(value) : (this.#others.get(value) ?? -1)
  }
}

function isInTable(value: Integer): value is number {
  return typeof value === 'number' && value >= 0 && value < tableEnd
}

/** The value of up to 15 digits, as nearly all lines are, or -1. */
function readPlain(bytes: Uint8Array, start: number, end: number): number {
  if (start === end || end - start > 15) return -1
  let value = 0
  for (let at = start; at < end; at++) {
    const code = bytes[at] ?? 0
    if (code < zero || code > nine) return -1
    value = value * 10 + code - zero
  }
  return value
}
