import type { Buffer } from 'node:buffer'
import type { SampleValue } from '../value.ts'
import { textOf } from '../value.ts'
import type { PatternSet } from './pattern-set.ts'

const standardMethods: ReadonlySet<string> = new Set(
  'OPTIONS GET HEAD POST PUT DELETE TRACE CONNECT'.split(' '),
)

/**
 * Methods, as the ACL keyword `method` matches them (`pat_match_meth` in src/http_acl.c). Case never matters less than it
 * does for the known ones, which are written in upper case.
 */
export class MethodPatterns implements PatternSet {
  readonly #exact = new Map<string, number>()
  readonly #folded = new Map<string, number>()
  readonly #ignoreCase: boolean
  #size = 0

  constructor(ignoreCase: boolean) {
    this.#ignoreCase = ignoreCase
  }

  add(bytes: Buffer, start: number, end: number): undefined {
    const pattern = bytes.toString('latin1', start, end)
    const number = this.#size++
    if (this.#ignoreCase && !standardMethods.has(pattern)) this.#folded.set(pattern.toLowerCase(), number)
    else this.#exact.set(pattern, number)
  }

  find(sample: SampleValue): number {
    const name = textOf(sample)
    const exact = this.#exact.get(name)
    if (exact !== undefined || standardMethods.has(name)) return exact ?? -1
    return this.#folded.get(name.toLowerCase()) ?? -1
  }
}
