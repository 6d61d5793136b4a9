/** The outcome of an ACL or a condition (`enum acl_test_res`): `Miss` when more data is needed to decide. */

/** Numbered so that "and" is the smallest and "or" the largest. */
export const Verdict = { Fail: 0, Miss: 1, Pass: 2 } as const

/** One of {@link Verdict}. */
export type Verdict = (typeof Verdict)[keyof typeof Verdict]

/** Pass becomes fail and fail becomes pass. */
export function negateVerdict(verdict: Verdict): Verdict {
  if (verdict === Verdict.Miss) return verdict
  return verdict === Verdict.Pass ? Verdict.Fail : Verdict.Pass
}
