/** The values of a map: they are kept as the text of their file, and read when they are asked for. */
import type { Buffer } from 'node:buffer'
import { readAddress } from '../address.ts'
import { parseInteger } from '../int64.ts'
import { TextStore } from '../patterns/text-store.ts'
import type { SampleValue } from '../value.ts'
import { addr, sint, str } from '../value.ts'

/** A map is a matching method and the type of its results. */
export type ResultType = 'str' | 'int' | 'ip'

/** What a text is as that type, or undefined. */
export function readResult(text: string, type: ResultType): SampleValue | undefined {
  if (type === 'str') return str(text)
  if (type === 'int') {
    const integer = parseInteger(text)
    return integer === undefined ? undefined : sint(integer)
  }
  const bytes = readAddress(text)
  return bytes === undefined ? undefined : addr(bytes)
}

export class MapResults {
  readonly #type: ResultType
  readonly #texts = new TextStore()

  constructor(type: ResultType) {
    this.#type = type
  }

  /** Adds the value of the next pattern; a complaint, as a string, when it is none. */
  add(bytes: Buffer, start: number, end: number): string | undefined {
    if (this.#type !== 'str') {
      const text = bytes.toString('latin1', start, end)
      if (readResult(text, this.#type) === undefined)
        return `value '${text}' is not ${this.#type === 'int' ? 'an integer' : 'an address'}`
    }
    this.#texts.add(bytes, start, end)
    return undefined
  }

  get(number: number): SampleValue | undefined {
    return readResult(this.#texts.text(number), this.#type)
  }
}
