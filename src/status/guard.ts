/**
 * Who may ask a status port, and who may change something there. A browser on the same machine is the danger: any page
 * that it shows may send requests to loopback, under a name of its own that points there (DNS rebinding).
 */
import { Buffer } from 'node:buffer'
import { timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Endpoint } from '../net/endpoint.ts'
import { parseIp } from '../net/ip.ts'

/** The host of a `Host` header, in lower case, without the port. */
function hostOf(header: string): string {
  const match = /^(?:\[([^\]]+)\]|([^:]*))(?::\d+)?$/.exec(header.trim().toLowerCase())
  return match?.[1] ?? match?.[2] ?? ''
}

/**
 * Whether a request with this `Host` is meant for us: by address, as localhost, or by a name that was allowed; `*` allows
 * all. A rebound name is none of these. HTTP/1.0 may have none, and unix sockets are out of a browser's reach.
 */
export function isOwnHost(
  header: string | undefined,
  endpoint: Endpoint,
  allowed: readonly string[],
): boolean {
  if (header === undefined || endpoint.type === 'unix' || allowed.includes('*')) return true
  const host = hostOf(header)
  if (host === 'localhost' || host.endsWith('.localhost') || parseIp(host) !== undefined) return true
  if (endpoint.type === 'tcp' && endpoint.host.toLowerCase() === host) return true
  return allowed.some((each) => each.toLowerCase() === host)
}

/** Why a request may not change anything; undefined when it may. */
export function complaintOfChange(headers: IncomingHttpHeaders, token: string): string | undefined {
  const { origin, host, authorization } = headers
  const site = headers['sec-fetch-site']
  if (typeof site === 'string' && site !== 'same-origin') return 'it comes from another site'
  if (origin !== undefined && !isSameOrigin(origin, host)) return 'its Origin is another site'
  // What a form or a simple request of another site can send has other types.
  if (!/^application\/json\b/i.test(headers['content-type'] ?? '')) return 'its type is not application/json'
  const given = /^Bearer (.+)$/i.exec(authorization ?? '')?.[1] ?? ''
  return isEqual(given, token) ? undefined : 'the token is missing or wrong'
}

function isSameOrigin(origin: string, host: string | undefined): boolean {
  return host !== undefined && (origin === `http://${host}` || origin === `https://${host}`)
}

/** Takes the same time wherever the two differ. */
function isEqual(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)]
  return a.length === b.length && timingSafeEqual(a, b)
}
