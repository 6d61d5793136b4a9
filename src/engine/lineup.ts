import type { Balancer } from '../net/balance/balancer.ts'
import { createPlainBalancer } from '../net/balance/create.ts'
import { Server, type ServerConnection, type ServerSettings } from './server.ts'
import type { AgentSource } from './source.ts'

/**
 * The servers of an engine, kept in step with their source, and which of them is next. A choice is made for each exchange, so
 * that weights hold for what is asked, not for connections; nothing is allocated for it.
 */
export class Lineup<C extends ServerConnection> {
  servers: readonly Server<C>[] = []
  /** Servers of which one attempt is due, though others have taken what was to be sent: found by {@link Lineup.choose}. */
  readonly due: Server<C>[] = []
  readonly #source: AgentSource
  readonly #settings: ServerSettings
  readonly #balancer: Balancer<Server<C>, unknown>
  readonly #candidates: Server<C>[] = []
  #seen: AgentSource['servers'] | undefined
  #lastId = 0

  constructor(source: AgentSource, settings: ServerSettings) {
    this.#source = source
    this.#settings = settings
    const { balance, balanceDraws } = settings.options
    this.#balancer = createPlainBalancer(balance, balanceDraws)
    this.refresh()
  }

  /** Looks at the source again. Answers the servers that are no longer in it. */
  refresh(): readonly Server<C>[] {
    const { servers } = this.#source
    if (servers === this.#seen) return []
    this.#seen = servers
    const before = this.servers
    this.servers = servers.map(
      (of) => before.find((each) => each.of === of) ?? new Server<C>(of, ++this.#lastId, this.#settings),
    )
    const gone = before.filter((each) => !this.servers.includes(each))
    for (const server of gone) server.retired = true
    return gone
  }

  /** The server for one more exchange, another one than `avoid` when there is one; undefined when it has to wait. */
  choose(now: number, avoid?: Server<C>): Server<C> | undefined {
    const { servers } = this
    if (servers.length === 1) {
      const only = servers[0] as Server<C> // length is 1
      if (only.connections.length > 0 || (only.of.usable && only.ready)) return only
      if (only.alive === 0 && only.mayConnect(now)) this.due.push(only)
      return undefined
    }
    const candidates = this.#candidates
    candidates.length = 0
    // Backups are asked when the others are down, and the first of them alone, as HAProxy does.
    if (!this.#gather(now, false, avoid) && candidates.length === 0) this.#gather(now, true, avoid)
    if (candidates.length > 1) return this.#balancer.pick(candidates, undefined, candidates)
    return candidates[0] ?? this.#standing(now) ?? (avoid === undefined ? undefined : this.choose(now))
  }

  /** Collects whom one more exchange can be given to. Answers whether any is worth waiting for. */
  #gather(now: number, backup: boolean, avoid: Server<C> | undefined): boolean {
    let hope = false
    for (const server of this.servers) {
      if (!server.of.usable || server.of.backup !== backup) continue
      if (server.trust.state !== 'down' && !server.slow) hope = true
      if (server === avoid) continue
      if (server.trust.state !== 'up' && server.alive === 0 && server.mayConnect(now)) this.due.push(server)
      if (server.hasRoom(now)) this.#candidates.push(server)
      // One that is full is waited for; one that cannot be reached is not.
      if (backup && (this.#candidates.length > 0 || hope)) break
    }
    return hope
  }

  /** Of servers that may be given nothing new, connections that stand are better than nothing (HAProxy uses them, too). */
  #standing(now: number): Server<C> | undefined {
    return this.servers.find((server) => server.connections.length > 0 && server.pick(now) !== undefined)
  }
}
