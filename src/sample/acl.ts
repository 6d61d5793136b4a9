/** ACLs: lines of one name are alternatives (configuration.txt 7.1). */
import type { Expression } from './expression.ts'
import type { Stream } from './stream.ts'
import { Verdict } from './verdict.ts'

/** One line of an ACL. */
export interface AclTest {
  readonly expression: Expression
  /** Whether one of the samples matches. */
  readonly matches: (stream: Stream) => boolean
}

/** A named ACL, or an anonymous one with an empty name. Lines are added while the section is read. */
export interface Acl {
  readonly name: string
  readonly tests: AclTest[]
}

/** Whether one of the lines matches, or may do so later (`acl_exec_cond` in src/acl.c). */
export function evaluateAcl(acl: Acl, stream: Stream): Verdict {
  let verdict: Verdict = Verdict.Fail
  for (const test of acl.tests) {
    if (test.matches(stream)) return Verdict.Pass
    if (!stream.final && test.expression.mayChange(stream)) verdict = Verdict.Miss
  }
  return verdict
}
