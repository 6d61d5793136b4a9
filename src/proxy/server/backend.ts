/** A backend at run time: its servers, which of them is next, and the streams that wait for one. */
import type { SampleNamed, Stream } from '../../sample/stream.ts'
import type { ProxyContext } from '../context.ts'
import type { ProxyPlan } from '../plan/plan.ts'
import type { Balancer } from '../../net/balance/balancer.ts'
import { createBalancer } from './balance.ts'
import { Queue } from './queue.ts'
import { Server } from './server.ts'
import { Tally } from './tally.ts'

/** Counts the streams that come through it. */
export class Backend implements SampleNamed {
  readonly plan: ProxyPlan
  readonly name: string
  readonly id: number
  readonly servers: readonly Server[]
  readonly queue = new Queue()
  readonly #watchers = new Set<() => void>()
  readonly #balancer: Balancer<Server, Stream>
  /** Streams that came here and have not ended. */
  streams = 0
  /** Streams that came here, in all. */
  total = 0
  /** What became of those that have ended. */
  readonly tally = new Tally()

  constructor(plan: ProxyPlan, context: ProxyContext) {
    this.plan = plan
    this.name = plan.model.name
    this.id = plan.id
    this.servers = plan.servers.map((each) => new Server(each, plan, context))
    this.#balancer = createBalancer(plan.model.balance)
  }

  /** A stream has come. */
  enter(): void {
    this.streams++
    this.total++
  }

  /** A stream has ended. */
  leave(): void {
    this.streams--
  }

  /** Those of `usableServers` that are no backups. */
  get activeServers(): number {
    return this.servers.filter(({ usable, backup }) => usable && !backup).length
  }

  /** How many servers could be chosen. */
  get usableServers(): number {
    let count = 0
    for (const server of this.servers) if (server.usable) count++
    return count
  }

  /**
   * Chooses a server with room, another one than `avoid` when there is one. Backup servers take part only when no other
   * server is usable, and then the first of them alone.
   */
  choose(stream: Stream, avoid: Server | undefined): Server | undefined {
    // Backends of one server are the most common ones: there is nothing to balance, nor to avoid.
    if (this.servers.length === 1) {
      const only = this.servers[0] as Server // length is 1
      return only.usable && !only.full ? only : undefined
    }
    const active = this.servers.filter((each) => each.usable && !each.backup)
    if (active.length === 0) return this.#firstBackup
    const free = active.filter((each) => !each.full)
    const others = avoid === undefined ? free : free.filter((each) => each !== avoid)
    const candidates = others.length > 0 ? others : free
    return candidates.length === 0 ? undefined : this.#balancer.pick(candidates, stream, active)
  }

  /** The others do not take over what it has no room for. */
  get #firstBackup(): Server | undefined {
    const backup = this.servers.find((each) => each.usable)
    return backup?.full === true ? undefined : backup
  }

  /** A server has room, or has come up: whoever waits longest goes there, streams before engines. */
  serveQueue(): void {
    if (this.queue.size > 0) this.queue.serve((stream) => this.choose(stream, undefined))
    for (const changed of this.#watchers) changed()
  }

  /** Engines have queues of their own: calls `changed` when they may move. Answers how to end that. */
  watch(changed: () => void): () => void {
    this.#watchers.add(changed)
    return () => void this.#watchers.delete(changed)
  }
}
