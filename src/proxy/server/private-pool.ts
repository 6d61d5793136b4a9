/** Connections to servers that one client's requests share, and nobody else's: `http-reuse never`. */
import type { OwnConnections, ServerConnection } from './server-transport.ts'

/** One for each client connection; empty for nearly all. */
export class PrivatePool implements OwnConnections {
  #byServer: Map<object, ServerConnection> | undefined
  #closed = false

  take(server: object): ServerConnection | undefined {
    const connection = this.#byServer?.get(server)
    if (connection !== undefined) this.#byServer?.delete(server)
    return connection
  }

  put(server: object, connection: ServerConnection): void {
    if (this.#closed) return connection.destroy()
    const before = this.take(server)
    this.#byServer ??= new Map()
    this.#byServer.set(server, connection)
    before?.destroy()
  }

  drop(server: object, connection: ServerConnection): void {
    if (this.#byServer?.get(server) === connection) this.#byServer.delete(server)
  }

  /** The client has gone. */
  close(): void {
    this.#closed = true
    const all = [...(this.#byServer?.values() ?? [])]
    this.#byServer = undefined
    for (const connection of all) connection.destroy()
  }
}
