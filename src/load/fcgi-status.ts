/** What became of a request that got no good response. Numbers from 100 on are those of HTTP. */

/** Nothing came within the time. */
export const timedOut = 1
/** The connection was closed before the response was whole. */
export const connectionLost = 2
/** END_REQUEST without a response. */
export const noResponse = 3
/** Bytes that are no records. */
export const brokenRecords = 4
/** `appStatus` was not 0. */
export const appFailed = 5
const protocolBase = 10

/** The status for a `protocolStatus` that is not 0. */
export function protocolFailed(status: number): number {
  return protocolBase + status
}

const words: Readonly<Record<number, readonly [label: string, words: string]>> = {
  [timedOut]: ['504', "HAProxy's timeout server"],
  [connectionLost]: ['502', 'the application closed the connection before the response was whole'],
  [noResponse]: ['502', 'END_REQUEST without a response'],
  [brokenRecords]: ['502', 'bytes that are no records'],
  [appFailed]: ['app', 'the response ended with an appStatus that is not 0'],
  [protocolFailed(1)]: ['502', 'CANT_MPX_CONN: one request at a time on each connection, --inflight 1'],
  [protocolFailed(2)]: ['502', 'OVERLOADED'],
  [protocolFailed(3)]: ['502', 'UNKNOWN_ROLE'],
}

/** How a status is written, and what it means: what HAProxy would tell its client, or what the application did. */
export function describeFcgiStatus(status: number): { label: string; words: string } {
  const [label, text] = words[status] ?? [String(status), "the application's own status"]
  return { label, words: text }
}
