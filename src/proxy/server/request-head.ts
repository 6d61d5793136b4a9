/** The request as a server gets it: what the proxy adds, and what was meant for the proxy alone. */
import type { Cidr } from '../../net/cidr-map.ts'
import type { ConnectionMode } from '../../config/index.ts'
import { formatRequestLine } from '../../http1/index.ts'
import type { HeaderList, RequestHead } from '../../http1/index.ts'
import { formatIp } from '../../net/ip.ts'
import { cleanTe, dropFraming, fixFraming, setConnection } from '../wire/hop-by-hop.ts'
import { cleanUpgrade } from '../wire/upgrade.ts'
import type { ProxyPlan } from '../plan/plan.ts'

/**
 * `option forwardfor` of both sections: either of them asks for it, and excepts addresses from it; the backend names the
 * header, and who does not say `if-none` wins.
 */
export function addForwardedFor(
  headers: HeaderList,
  address: Uint8Array | undefined,
  frontend: ProxyPlan,
  backend: ProxyPlan,
): void {
  const front = frontend.model.options.forwardFor
  const back = backend.model.options.forwardFor
  const header = (back ?? front)?.header
  if (header === undefined || address === undefined || address.length === 0) return
  const ifNone = front?.ifNone !== false && back?.ifNone !== false
  if (ifNone && headers.has(header.toLowerCase())) return
  if (isExcepted(address, frontend) || isExcepted(address, backend)) return
  headers.add(header, formatIp(address))
}

function isExcepted(address: Uint8Array, { forwardExcept }: ProxyPlan): boolean {
  return forwardExcept !== undefined && inRange(address, forwardExcept)
}

function inRange(address: Uint8Array, { bytes, bits }: Cidr): boolean {
  if (address.length !== bytes.length) return false
  for (let bit = 0; bit < bits; bit++) {
    const mask = 0x80 >> (bit & 7)
    if (((address[bit >> 3] ?? 0) & mask) !== ((bytes[bit >> 3] ?? 0) & mask)) return false
  }
  return true
}

/** What happens to the server's connection: the stricter one of what both sections say. */
export function serverConnectionMode(frontend: ProxyPlan, backend: ProxyPlan): ConnectionMode {
  const front = frontend.model.options.connectionMode
  const back = backend.model.options.connectionMode
  if (front === 'close' || back === 'close') return 'close'
  return front === 'server-close' || back === 'server-close' ? 'server-close' : 'keep-alive'
}

/** Makes the headers what the server is to get, and answers the request line. Nobody reads them afterwards. */
export function prepareServerRequest(head: RequestHead, mode: ConnectionMode): string {
  const { headers, framing, method, target, minor } = head
  const upgrade = cleanUpgrade(head)
  cleanTe(headers)
  // A CONNECT has no content, whatever rules have set.
  if (method === 'CONNECT') dropFraming(headers)
  else fixFraming(headers, framing)
  const words = upgrade ? (headers.get('connection') ?? 'upgrade') : connectionWords(mode, minor)
  setConnection(headers, words)
  return formatRequestLine(method, target, minor)
}

/** Whatever is not the version's habit is said. */
function connectionWords(mode: ConnectionMode, minor: number): string | undefined {
  if (mode !== 'keep-alive') return minor === 1 ? 'close' : undefined
  return minor === 0 ? 'keep-alive' : undefined
}
