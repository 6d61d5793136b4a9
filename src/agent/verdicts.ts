/**
 * Counts what a variable is set to, by message: read from the answers as they leave, so a fallback's word counts, and what did
 * not fit does not. Each answer is read, so nothing is made of what is not the variable, nor of a value that was met before.
 */
import { Buffer } from 'node:buffer'
import { isAt, KnownBytes } from '../bytes/known-bytes.ts'
import type { Reader } from '../bytes/reader.ts'
import { ActionType, scopes } from '../spop/ack.ts'
import { decodeTypedData, skipTypedData } from '../spop/typed-data.ts'
import { readVarint } from '../spop/varint.ts'
import { textOfData } from './data-text.ts'

/** Values come from outside at times: so many are told apart for each message, the others are one. */
const mostValues = 24
const others = 'other values'
/** Longer ones are cut. */
const longestValue = 40
/** So many are known by their bytes: scores up to 100 all are. */
const knownValues = 128

/** How often one value was set. */
interface Count {
  value: number
}

/** The counts of one message. */
class Counts {
  readonly byText = new Map<string, Count>()
  readonly known = new KnownBytes<Count>(knownValues)

  of(text: string): Count {
    const found = this.byText.get(text)
    if (found !== undefined) return found
    if (this.byText.size >= mostValues && text !== others) return this.of(others)
    const count = { value: 0 }
    this.byText.set(text, count)
    return count
  }
}

/** The counts of one variable; its name may have a scope before it. */
export class Verdicts {
  readonly #name: Buffer
  /** Its number on the wire; undefined for any. */
  readonly #scope: number | undefined
  readonly #counts = new Map<string, Counts>()
  /** Where the value is that was found last; both the same when the variable was unset. */
  #from = 0
  #to = 0

  constructor(variable: string) {
    const [first = '', ...rest] = variable.split('.')
    const scope = scopes.findIndex((each) => each === first)
    const isScoped = scope >= 0 && rest.length > 0
    this.#scope = isScoped ? scope : undefined
    this.#name = Buffer.from(isScoped ? rest.join('.') : variable)
  }

  /** `reader` stands at the actions that one message has answered. */
  count(message: string, reader: Reader): void {
    if (!this.#find(reader)) return
    let counts = this.#counts.get(message)
    if (counts === undefined) this.#counts.set(message, (counts = new Counts()))
    const count = counts.known.find(reader.bytes, this.#from, this.#to) ?? this.#learn(counts, reader)
    count.value++
  }

  #learn(counts: Counts, reader: Reader): Count {
    if (this.#from === this.#to) return counts.of('unset')
    reader.at = this.#from
    const count = counts.of(textOfData(decodeTypedData(reader), longestValue))
    counts.known.add(reader.bytes, this.#from, this.#to, count)
    return count
  }

  /** Finds the last word of an answer, if there is one. What is read is of our own making: there is nothing wrong in it. */
  #find(reader: Reader): boolean {
    const { bytes } = reader
    let found = false
    while (reader.remaining > 0) {
      const head = reader.skip(3) // the number of arguments follows from the type
      const isSet = bytes[head] === ActionType.SetVar
      const scope = bytes[head + 2]
      const size = readVarint(reader)
      const start = reader.skip(size)
      const from = reader.at
      if (isSet) skipTypedData(reader)
      if ((this.#scope !== undefined && this.#scope !== scope) || !isAt(bytes, start, size, this.#name))
        continue
      found = true
      this.#from = from
      this.#to = reader.at
    }
    return found
  }

  /** By value; without a prototype, for a value may be called as something of it. */
  of(message: string): Record<string, number> {
    const counts = Object.create(null) as Record<string, number>
    for (const [text, { value }] of this.#counts.get(message)?.byText ?? []) counts[text] = value
    return counts
  }
}
