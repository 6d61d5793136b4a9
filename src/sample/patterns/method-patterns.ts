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
export class MethodPatterns implements PatternSet<true> {
  readonly #exact = new Set<string>()
  readonly #folded = new Set<string>()
  readonly #ignoreCase: boolean

  constructor(ignoreCase: boolean) {
    this.#ignoreCase = ignoreCase
  }

  add(pattern: string): undefined {
    if (this.#ignoreCase && !standardMethods.has(pattern)) this.#folded.add(pattern.toLowerCase())
    else this.#exact.add(pattern)
  }

  find(sample: SampleValue): true | undefined {
    const name = textOf(sample)
    if (this.#exact.has(name)) return true
    return !standardMethods.has(name) && this.#folded.has(name.toLowerCase()) ? true : undefined
  }
}
