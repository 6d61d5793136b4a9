/** The addresses of a socket as samples have them. */
import type { Socket } from 'node:net'
import { parseIp } from '../../net/ip.ts'
import type { SampleEndpoint } from '../../sample/stream.ts'

/** Of a unix socket: no address, and whatever stands for its port. */
export function unixEndpoint(port: number): SampleEndpoint {
  return { address: new Uint8Array(0), port }
}

/** Of the other side. Undefined for unix sockets, and when the socket is closed: it forgets its addresses then. */
export function remoteEndpoint({ remoteAddress, remotePort }: Socket): SampleEndpoint | undefined {
  return sampleEndpoint(remoteAddress, remotePort)
}

/** Of this side. */
export function localEndpoint({ localAddress, localPort }: Socket): SampleEndpoint | undefined {
  return sampleEndpoint(localAddress, localPort)
}

/**
 * The bytes of addresses that were met lately. Four bytes in an array cost some hundred, and the same clients, servers and own
 * addresses come again and again. Nobody writes to them.
 */
const known = new Map<string, Uint8Array | undefined>()
const mostKnown = 1000

/** IPv4 in IPv6 clothes (`::ffff:192.0.2.1`) is IPv4. */
export function sampleEndpoint(
  address: string | undefined,
  port: number | undefined,
): SampleEndpoint | undefined {
  if (address === undefined || port === undefined) return undefined
  const bytes = known.has(address) ? known.get(address) : parse(address)
  return bytes === undefined ? undefined : { address: bytes, port }
}

function parse(address: string): Uint8Array | undefined {
  const plain = address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
  const bytes = parseIp(plain)
  if (known.size >= mostKnown) known.clear()
  known.set(address, bytes)
  return bytes
}
