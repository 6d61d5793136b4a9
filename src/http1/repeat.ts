/**
 * What may be done with a request when nobody knows whether a server has seen it. One rule for all who send requests, over
 * HTTP/1.1 and FastCGI. Pure.
 */

/** Methods whose request may be carried out twice (RFC 9110 section 9.2.2). */
const idempotent: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE'])

/** Whether a request with this method may be carried out twice. */
export function isIdempotent(method: string): boolean {
  return idempotent.has(method)
}

/**
 * What one who keeps a connection can know of its server: `open`, it was seen since its last answer that no end stands behind
 * it; `soon`, that will be seen within two rounds of the event loop; `unknown`, the server may take any time to close it.
 */
export type Liveness = 'open' | 'soon' | 'unknown'

/**
 * Whether a request goes on a connection that has carried others, waits until it was seen open, or takes a new one. Only
 * what may be sent again can afford to meet the end of a connection.
 * @param repeatable - whether it may be carried out twice, and all that is sent of it is kept.
 */
export function useOfKept(repeatable: boolean, liveness: Liveness): 'use' | 'wait' | 'leave' {
  if (repeatable || liveness === 'open') return 'use'
  return liveness === 'soon' ? 'wait' : 'leave'
}

/** How a connection has ended under a request, before a byte of the answer. */
export interface LostRequest {
  /** Whether it may be carried out twice. */
  readonly idempotent: boolean
  /** Whether the connection had carried others, so that the server may have closed it before the request came. */
  readonly reused: boolean
  /** Whether the system says that nothing of it has left. */
  readonly unsent: boolean
}

/** Whether a request whose connection was lost is sent again, as far as its effects are concerned. */
export function mayRepeat({ idempotent, reused, unsent }: LostRequest): boolean {
  return unsent || (reused && idempotent)
}
