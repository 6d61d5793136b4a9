/** Where a status port listens: on loopback, unless an address says otherwise in as many words. */
import { parseEndpoint, toEndpoint, formatEndpoint, type Endpoint } from '../net/endpoint.ts'
import { parseIp } from '../net/ip.ts'

const loopback = '127.0.0.1'

/**
 * As `toEndpoint`, and `9100` or `:9100` are loopback: to be seen from elsewhere the address must be given, `0.0.0.0` too.
 * @throws UsageError `ERR_SLUICE_ADDRESS`.
 */
export function toStatusEndpoint(where: string | Endpoint): Endpoint {
  if (typeof where !== 'string') return toEndpoint(where)
  return parseEndpoint(/^:?\d{1,5}$/.test(where) ? `${loopback}:${where.replace(':', '')}` : where)
}

/** Whether nobody but this machine reaches it. A descriptor may be anything. */
export function isLoopback(endpoint: Endpoint): boolean {
  if (endpoint.type !== 'tcp') return endpoint.type === 'unix'
  const { host } = endpoint
  return host === 'localhost' || host === '::1' || (host.startsWith('127.') && parseIp(host) !== undefined)
}

/** What a browser is given; of a unix socket its name. */
export function formatUrl(endpoint: Endpoint): string {
  if (endpoint.type !== 'tcp') return formatEndpoint(endpoint)
  const host = endpoint.host === '0.0.0.0' || endpoint.host === '::' ? loopback : endpoint.host
  return `http://${formatEndpoint({ ...endpoint, host })}/`
}
