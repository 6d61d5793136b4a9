/** The idle connections to a server (configuration.txt 4.2 "http-reuse", 5.2 "pool-max-conn"). */
import type { HttpReuse } from '../../config/index.ts'
import type { ServerConnection } from './server-transport.ts'

/** HAProxy's `pool-purge-delay`: an idle connection that nobody took for this long is closed, in milliseconds. */
export const idleTimeout = 5000

/** The last one that came back is taken first. */
export class IdlePool {
  readonly #most: number
  /** Connections that have answered one request, and those that have proved to be kept open. */
  readonly #idle: ServerConnection[] = []
  readonly #safe: ServerConnection[] = []

  constructor(most: number) {
    this.#most = most
  }

  get size(): number {
    return this.#idle.length + this.#safe.length
  }

  /**
   * One that may carry a request (the table in `connect_server`, src/backend.c): with `safe`, the first request of a
   * client goes out on a connection of its own, since the client would not repeat it.
   */
  take(reuse: HttpReuse, firstRequest: boolean): ServerConnection | undefined {
    switch (reuse) {
      case 'never':
        return undefined
      case 'safe':
        return firstRequest ? undefined : (this.#idle.pop() ?? this.#safe.pop())
      case 'aggressive':
        return firstRequest ? this.#safe.pop() : (this.#idle.pop() ?? this.#safe.pop())
      case 'always':
        return firstRequest ? (this.#safe.pop() ?? this.#idle.pop()) : (this.#idle.pop() ?? this.#safe.pop())
    }
  }

  /** Answers false when there are enough already. */
  put(connection: ServerConnection): boolean {
    if (this.size >= this.#most) return false
    const list = connection.requests > 1 ? this.#safe : this.#idle
    list.push(connection)
    return true
  }

  /** Forgets one that has died. */
  drop(connection: ServerConnection): void {
    for (const list of [this.#idle, this.#safe]) {
      const at = list.indexOf(connection)
      if (at >= 0) list.splice(at, 1)
    }
  }

  close(): void {
    const all = [...this.#idle, ...this.#safe]
    this.#idle.length = 0
    this.#safe.length = 0
    for (const connection of all) connection.destroy()
  }
}
