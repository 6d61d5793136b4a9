/** Sockets towards agents. */
import { connect, type Socket } from 'node:net'
import type { Endpoint } from '../endpoint.ts'

/** Begins to connect. */
export function connectTo(endpoint: Exclude<Endpoint, { type: 'fd' }>): Socket {
  if (endpoint.type === 'unix') return connect({ path: endpoint.path })
  // Frames are gathered into one write each turn: waiting for more in the kernel would only delay them.
  return connect({ host: endpoint.host, port: endpoint.port, noDelay: true })
}

/** Ends a connection with a reset where the transport has one, as HAProxy 3.1 and later do. */
export function resetSocket(socket: Socket): void {
  // A unix socket has no reset, and one that is still connecting has nothing to reset.
  if (socket.remotePort === undefined || socket.connecting) socket.destroy()
  else socket.resetAndDestroy()
}
