/** A client connection: its socket, its addresses, its `sess` variables, the frontend that accepted it. */
import type { Socket } from 'node:net'
import { monotonic, wallClock } from '../../clock.ts'
import { parseIp } from '../../ip.ts'
import type { SampleEndpoint } from '../../sample/stream.ts'
import { VariableStore } from '../../sample/variables.ts'
import type { Frontend } from './frontend.ts'

/** See the head of this file. */
export class Session {
  readonly frontend: Frontend
  readonly socket: Socket
  readonly accepted = monotonic()
  readonly acceptDate = wallClock()
  /** Undefined for unix sockets. They are read at once: a socket forgets them when it is closed. */
  readonly source: SampleEndpoint | undefined
  readonly destination: SampleEndpoint | undefined
  /** Requests so far, the current one included. */
  requests = 0
  #variables: VariableStore | undefined

  constructor(frontend: Frontend, socket: Socket) {
    this.frontend = frontend
    this.socket = socket
    this.source = sampleEndpoint(socket.remoteAddress, socket.remotePort)
    this.destination = sampleEndpoint(socket.localAddress, socket.localPort)
  }

  get variables(): VariableStore {
    return (this.#variables ??= new VariableStore({ parent: this.frontend.proxy.variables }))
  }

  /** Gives back what the variables took. */
  end(): void {
    this.#variables?.clear()
  }
}

/** Address and port as samples have them; IPv4 in IPv6 clothes (`::ffff:192.0.2.1`) is IPv4. */
export function sampleEndpoint(
  address: string | undefined,
  port: number | undefined,
): SampleEndpoint | undefined {
  if (address === undefined || port === undefined) return undefined
  const plain = address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
  const bytes = parseIp(plain)
  return bytes === undefined ? undefined : { address: bytes, port }
}
