/** The connection that a server's protocol makes of a socket: `proto` of the server line decides. */
import { ChunkSocket } from '../../net/chunk-socket.ts'
import { LingeringSocket } from '../../net/lingering-socket.ts'
import { socketOptions } from '../wire/socket-options.ts'
import { FcgiServer } from './fcgi-server.ts'
import { Http1Server } from './http1-server.ts'
import type { ServerConnection } from './server-transport.ts'
import type { Server } from './server.ts'

/** A socket to be connected to the server. */
export function createServerSocket({ fcgi }: Server): ChunkSocket {
  return fcgi === undefined ? new ChunkSocket(socketOptions) : new LingeringSocket()
}

/** Of a socket that is connected; it counts as one that the server has from here on. */
export function openConnection(server: Server, socket: ChunkSocket): ServerConnection {
  const { fcgi } = server
  const connection =
    fcgi === undefined ? new Http1Server(socket, server) : new FcgiServer(socket, server, fcgi)
  server.pool.opened(connection)
  return connection
}
