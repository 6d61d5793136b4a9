/** Makes of a health check what is shown of it. */
import type { CheckStats } from '../plan/check-stats.ts'
import type { ProbeOutcome } from './http-probe.ts'
import type { CheckResult } from './health-lines.ts'

/** Most that is kept of an answer. */
const maxValues = 64
const maxText = 200

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
