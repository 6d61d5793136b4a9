/** What became of an exchange that got no answer, in HAProxy's numbers: `st=` of its SPOE log line, and `set-on-error`. */
import { statusText } from '../spop/errors.ts'

/** `timeout processing` is over. */
export const timedOut = 1
/** Larger than the agent takes: HAProxy's own verdict, without traffic. */
export const tooBig = 256 + 3
/** The connection was lost. */
export const connectionLost = 256 + 1

/** The `st=` of what waits when the agent says DISCONNECT. */
export function disconnectStatus(code: number): number {
  return 256 + code
}

/** The words for a status, as `sluice bench` prints them. */
export function describeStatus(status: number): string {
  if (status === timedOut) return "HAProxy's timeout processing"
  if (status === connectionLost) return 'the agent closed or reset the connection'
  if (status >= 256) return `the agent's DISCONNECT ${status - 256}: ${statusText(status - 256)}`
  return `status ${status}`
}
