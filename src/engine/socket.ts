/** Sockets towards agents. */
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Endpoint } from '../endpoint.ts'

/** What can be connected to. */
export type RemoteEndpoint = Exclude<Endpoint, { type: 'fd' }>

/**
 * What a connection needs of its stream: `net.Socket` has it all. Bytes that are no longer counted by `writableLength`
 * must have been copied: their buffer is used again.
 */
export interface Transport extends Duplex {
  /** Whether the event `connect` is still to come. */
  readonly connecting: boolean
  /** Undefined where there is no reset. */
  readonly remotePort?: number | undefined
  /** Destroys itself when everything is written. */
  destroySoon(): void
  /** Ends with a reset. */
  resetAndDestroy(): unknown
}

/** Makes a transport to a server, which emits `connect` later. */
export type ConnectTo = (endpoint: RemoteEndpoint) => Transport

/** Begins to connect. */
export const connectTo: ConnectTo = (endpoint) => {
  if (endpoint.type === 'unix') return connect({ path: endpoint.path })
  // Frames are gathered into one write each turn: waiting for more in the kernel would only delay them.
  return connect({ host: endpoint.host, port: endpoint.port, noDelay: true })
}

/** Ends a connection with a reset where the transport has one, as HAProxy 3.1 and later do. */
export function resetSocket(socket: Transport): void {
  // A unix socket has no reset, and one that is still connecting has nothing to reset. The runtime resets only after all
  // is written, and leaks the handle when the socket was ended before.
  const able = socket.remotePort !== undefined && !socket.connecting && socket.writable
  if (able && socket.writableLength === 0) socket.resetAndDestroy()
  else socket.destroy()
}
