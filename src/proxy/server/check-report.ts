/** What the last health check of a server has found, for whoever looks at the proxy. */
import type { ProbeOutcome } from './http-probe.ts'
import type { CheckResult } from './health-lines.ts'

/** Most that is kept of an answer. */
const maxValues = 64
const maxText = 200

/** Of the last check of a server. */
export interface CheckStats {
  readonly passed: boolean
  /** What the check has found, in HAProxy's words: `Layer7 check passed`. */
  readonly status: string
  /** The status of the answer to `option httpchk`; undefined without one. */
  readonly code: number | undefined
  /** How long the check took, in milliseconds. */
  readonly duration: number
  /** When it ended, in milliseconds since 1970. */
  readonly at: number
  /**
   * What the answer says of the server, when it is a JSON object: its numbers, its texts of up to 200 characters and its truth
   * values, at most 64 of them. php-fpm's `/status?json` has `listen queue`, `idle processes`, `active processes` and more.
   */
  readonly values: Readonly<Record<string, string | number | boolean>>
}

/** Of one that has just ended. */
export function reportOf(
  { passed, status }: CheckResult,
  outcome: ProbeOutcome | undefined,
  times: { readonly duration: number; readonly at: number },
): CheckStats {
  const answer = outcome?.kind === 'answer' ? outcome : undefined
  const values = answer === undefined ? {} : readValues(answer.body)
  return { passed, status, code: answer?.status, ...times, values }
}

function readValues(body: Buffer): Record<string, string | number | boolean> {
  if (body[0] !== 0x7b) return {}
  const entries = Object.entries(parseObject(body)).filter(
    ([name, value]) => name !== '__proto__' && isValue(value),
  )
  return Object.fromEntries(entries.slice(0, maxValues)) as Record<string, string | number | boolean> // isValue has seen them
}

function isValue(value: unknown): boolean {
  if (typeof value === 'string') return value.length <= maxText
  return typeof value === 'number' || typeof value === 'boolean'
}

/** One that was cut, or is something else, says nothing. */
function parseObject(body: Buffer): object {
  try {
    return JSON.parse(body.toString()) as object // it begins with a brace
  } catch {
    return {}
  }
}
