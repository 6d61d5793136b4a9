/** Sockets towards agents. */
import { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import type { Endpoint } from '../net/endpoint.ts'
import { errorMessage } from '../base/errors.ts'
import { connectSocket } from '../net/dial.ts'
import { hasMethods, show } from '../base/options.ts'

/** What can be connected to. */
export type RemoteEndpoint = Exclude<Endpoint, { type: 'fd' }>

/**
 * What a connection needs of its stream: `net.Socket` has it all. Bytes that are no longer counted by `writableLength`
 * must have been copied: their buffer is used again.
 */
export interface Transport extends Duplex {
  // An event `timeout`, where there is one, says that nothing was sent or received for too long: the connection then ends.
  /** Whether the event `connect` is still to come. */
  readonly connecting: boolean
  /** Undefined where there is no reset. */
  readonly remotePort?: number | undefined
  /** Destroys itself when everything is written. */
  destroySoon(): void
  /** Ends with a reset. */
  resetAndDestroy(): unknown
}

/**
 * Makes a transport to a server, which emits `connect` later; a TLSSocket is ready at its `secureConnect`. What it throws is
 * a connection that cannot be made.
 */
export type ConnectTo = (endpoint: RemoteEndpoint) => Transport

/** Begins to connect. */
export const connectTo: ConnectTo = (endpoint) => {
  // Frames are gathered into one write each turn: waiting for more in the kernel would only delay them.
  return connectSocket(new Socket().setNoDelay(true), endpoint)
}

/** A transport in any case: of a `connect` that throws, or makes no stream, one that fails by an event as others do. */
export function openTransport(
  server: { connect(connectTo: ConnectTo): Transport },
  connect: ConnectTo,
): Transport {
  try {
    const made = server.connect(connect)
    if (hasMethods(made, 'on', 'write', 'destroy', 'destroySoon')) return made
    return new FailedTransport(new TypeError(`connect() made ${show(made)} instead of a stream`))
  } catch (error) {
    return new FailedTransport(error instanceof Error ? error : new Error(errorMessage(error)))
  }
}

class FailedTransport extends Duplex implements Transport {
  readonly connecting = true

  constructor(error: Error) {
    super()
    this.destroy(error)
  }

  destroySoon(): void {
    this.destroy()
  }

  resetAndDestroy(): void {
    this.destroy()
  }
}

/** Ends a connection with a reset where the transport has one, as HAProxy 3.1 and later do. */
export function resetSocket(socket: Transport): void {
  // A unix socket has no reset, and one that is still connecting has nothing to reset. The runtime resets only after all
  // is written, and leaks the handle when the socket was ended before.
  // Nor has TLS: Node.js refuses to reset what is not a bare TCP handle.
  const bare = !(socket instanceof TLSSocket) && socket.remotePort !== undefined
  const able = bare && !socket.connecting && socket.writable
  if (able && socket.writableLength === 0) socket.resetAndDestroy()
  else socket.destroy()
}
