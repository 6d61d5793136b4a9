/**
 * Counts what a variable is set to, by message: read from the answers as they leave, so a fallback's word counts, and what did
 * not fit does not. Each answer is read, so nothing is made of what is not the variable.
 */
import type { Reader } from '../bytes/reader.ts'
import { ActionType, scopes } from '../spop/ack.ts'
import { decodeTypedData, skipTypedData } from '../spop/typed-data.ts'
import { readVarint } from '../spop/varint.ts'
import { isAt } from './arguments.ts'
import { textOfData } from './data-text.ts'

/** Values come from outside at times: so many are told apart for each message, the others are one. */
const mostValues = 24
const others = 'other values'
/** Longer ones are cut. */
const longestValue = 40

/** The counts of one variable; its name may have a scope before it. */
export class Verdicts {
  readonly #name: Buffer
  /** Its number on the wire; undefined for any. */
  readonly #scope: number | undefined
  readonly #counts = new Map<string, Map<string, number>>()

  constructor(variable: string) {
    const [first = '', ...rest] = variable.split('.')
    const scope = scopes.findIndex((each) => each === first)
    const isScoped = scope >= 0 && rest.length > 0
    this.#scope = isScoped ? scope : undefined
    this.#name = Buffer.from(isScoped ? rest.join('.') : variable)
  }

  /** `reader` stands at the actions that one message has answered. */
  count(message: string, reader: Reader): void {
    const value = this.#find(reader)
    if (value === undefined) return
    let counts = this.#counts.get(message)
    if (counts === undefined) this.#counts.set(message, (counts = new Map()))
    const before = counts.get(value)
    if (before !== undefined) counts.set(value, before + 1)
    else if (counts.size < mostValues) counts.set(value, 1)
    else counts.set(others, (counts.get(others) ?? 0) + 1)
  }

  /** The last word of an answer. What is read is of our own making: there is nothing wrong in it. */
  #find(reader: Reader): string | undefined {
    const { bytes } = reader
    let found: string | undefined
    while (reader.remaining > 0) {
      const isSet = reader.uint8() === ActionType.SetVar
      reader.uint8() // the number of arguments follows from the type
      const scope = reader.uint8()
      const size = readVarint(reader)
      const start = reader.skip(size)
      const isWanted =
        (this.#scope === undefined || this.#scope === scope) && isAt(bytes, start, size, this.#name)
      if (!isSet) found = isWanted ? 'unset' : found
      else if (isWanted) found = textOfData(decodeTypedData(reader), longestValue)
      else skipTypedData(reader)
    }
    return found
  }

  /** By value; without a prototype, for a value may be called as something of it. */
  of(message: string): Record<string, number> {
    const counts = Object.create(null) as Record<string, number>
    for (const [value, count] of this.#counts.get(message) ?? []) counts[value] = count
    return counts
  }
}
