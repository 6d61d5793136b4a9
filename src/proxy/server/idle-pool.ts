/** The connections to a server (configuration.txt 4.2 "http-reuse", 5.2 "pool-max-conn"). */
import { turnTime } from '../../base/clock.ts'
import { Roster } from '../../base/roster.ts'
import type { HttpReuse } from '../../config/index.ts'
import type { ServerConnection } from './server-transport.ts'

/** HAProxy's `pool-purge-delay`: an idle connection that nobody took for this long is closed, in milliseconds. */
export const idleTimeout = 5000

/**
 *   opened ──▶ used ──put──▶ idle ──take──▶ used        any ──drop──▶ gone
 *                └──share──▶ shared                      carries requests, and takes more of them
 *
 * Of the idle ones the last that came back is taken first.
 */
export class IdlePool {
  readonly #most: number
  readonly #reuse: HttpReuse
  readonly #all = new Roster<ServerConnection>()
  /** Of those that are used: neither idle nor safe. */
  readonly #shared: ServerConnection[] = []
  /** Connections that have answered one request, and those that have proved to be kept open. */
  readonly #idle: ServerConnection[] = []
  readonly #safe: ServerConnection[] = []
  /** The most that were used at a time since `#since`, and before. */
  #peak = 0
  #needed = 0
  #since = 0

  constructor(most: number, reuse: HttpReuse) {
    this.#most = most
    this.#reuse = reuse
  }

  /** How many are idle. */
  get size(): number {
    return this.#idle.length + this.#safe.length
  }

  /** A connection has been made, for a request that takes it. */
  opened(connection: ServerConnection): void {
    this.#all.add(connection)
    this.#countUsed()
    if (this.#reuse === 'always' && connection.room > 1) this.#shared.push(connection)
  }

  /**
   * One that may carry a request (the table in `connect_server`, src/backend.c): with `safe`, the first request of a
   * client goes out on a connection of its own, since the client would not repeat it.
   */
  take(firstRequest: boolean): ServerConnection | undefined {
    const shared = this.#takeShared()
    if (shared !== undefined) return shared
    const connection = this.#takeIdle(firstRequest)
    if (connection === undefined) return undefined
    this.#countUsed()
    // With `safe`, one slow request would hold up those of other clients (`MX_FL_HOL_RISK`).
    if (this.#reuse !== 'safe' && connection.room > 1) this.#shared.push(connection)
    return connection
  }

  #takeIdle(firstRequest: boolean): ServerConnection | undefined {
    switch (this.#reuse) {
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

  /** One that carries requests already; those that take no more are forgotten on the way. */
  #takeShared(): ServerConnection | undefined {
    for (let last = this.#shared.at(-1); last !== undefined; last = this.#shared.at(-1)) {
      const { room } = last
      if (room <= 1) this.#shared.pop()
      if (room > 0) return last
    }
    return undefined
  }

  /** One of several requests on a connection has ended: another one may go there. */
  share(connection: ServerConnection): void {
    const may = this.#reuse === 'always' || this.#reuse === 'aggressive'
    if (may && this.#all.has(connection) && !this.#shared.includes(connection)) this.#shared.push(connection)
  }

  /**
   * The last request on it has ended. Answers false when it is not wanted: when `pool-max-conn` are kept, or as many as
   * were needed at a time (`srv_add_to_idle_list`, include/haproxy/server.h). It is used still then.
   */
  put(connection: ServerConnection): boolean {
    const others = this.#all.size - 1
    if (this.size >= this.#most || others > this.#estimate()) return false
    if (this.#shared.length > 0) remove(this.#shared, connection)
    const list = connection.safe ? this.#safe : this.#idle
    list.push(connection)
    return true
  }

  /** Forgets one that has died. */
  drop(connection: ServerConnection): void {
    this.#all.delete(connection)
    for (const list of [this.#shared, this.#idle, this.#safe]) remove(list, connection)
  }

  /** Closes those that are idle. */
  close(): void {
    const all = [...this.#idle, ...this.#safe]
    this.#idle.length = 0
    this.#safe.length = 0
    for (const connection of all) connection.destroy()
  }

  /** The proxy ends, and its streams have ended: closes all of them. */
  end(): void {
    this.close()
    for (const connection of this.#all) connection.destroy()
  }

  #used(): number {
    return this.#all.size - this.size
  }

  #countUsed(): void {
    this.#peak = Math.max(this.#peak, this.#used())
  }

  /** How many are needed at a time; half of what was needed once is forgotten with every purge. */
  #estimate(): number {
    this.#needed = Math.max(this.#needed, this.#peak)
    const now = turnTime()
    if (now - this.#since < idleTimeout) return this.#needed
    const needed = Math.ceil((this.#needed + this.#peak) / 2)
    this.#since = now
    this.#peak = this.#used()
    return (this.#needed = needed)
  }
}

function remove(list: ServerConnection[], connection: ServerConnection): void {
  const at = list.indexOf(connection)
  if (at >= 0) list.splice(at, 1)
}
