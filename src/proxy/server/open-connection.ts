/** The connection that a server's protocol makes of a socket. */
import type { Socket } from 'node:net'
import { Http1Server } from './http1-server.ts'
import type { ServerConnection } from './server-transport.ts'
import type { Server } from './server.ts'

/** `proto` of the server line decides. */
export function openConnection(server: Server, socket: Socket): ServerConnection {
  return new Http1Server(socket, server)
}
