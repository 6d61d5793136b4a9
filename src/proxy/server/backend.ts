/** A backend at run time: its servers, and the streams that wait for one. */
import type { SampleNamed } from '../../sample/stream.ts'
import { nextServer } from './balance.ts'
import type { Connector } from './connector.ts'
import type { Frontend } from '../client/frontend.ts'
import type { ProxyPlan } from '../plan/plan.ts'
import type { ProxyRuntime } from '../runtime.ts'
import { Server } from './server.ts'
import { requestSteps } from '../stream/steps.ts'
import type { Step } from '../stream/flow.ts'

/** What is fixed for the streams that go from one frontend to one backend. */
export interface Route {
  readonly request: readonly Step[]
  readonly server: readonly Step[]
  readonly response: readonly Step[]
  readonly afterResponse: readonly Step[]
}

/** See the head of this file. */
export class Backend implements SampleNamed {
  readonly proxy: ProxyRuntime
  readonly plan: ProxyPlan
  readonly name: string
  readonly id: number
  readonly servers: readonly Server[]
  /** Streams that came here and have not ended. */
  streams = 0
  /** Streams that came here, in all. */
  total = 0

  /** In the order in which they came. A Set, so that one that gives up is removed at once. */
  readonly #queue = new Set<Connector>()
  readonly #routes = new Map<Frontend, Route>()

  constructor(plan: ProxyPlan, proxy: ProxyRuntime) {
    this.plan = plan
    this.proxy = proxy
    this.name = plan.model.name
    this.id = plan.id
    this.servers = plan.servers.map((each) => new Server(each, this))
  }

  /** How many streams wait for a server. */
  get queued(): number {
    return this.#queue.size
  }

  /** How many servers could be chosen. */
  get usableServers(): number {
    let count = 0
    for (const server of this.servers) if (server.usable) count++
    return count
  }

  /** The steps of streams that come from `frontend`. */
  routeFrom(frontend: Frontend): Route {
    let route = this.#routes.get(frontend)
    if (route === undefined) {
      route = requestSteps(frontend, this)
      this.#routes.set(frontend, route)
    }
    return route
  }

  /** Chooses a server, another one than `avoid` when there is one. */
  choose(avoid: Server | undefined): Server | undefined {
    if (avoid === undefined) return nextServer(this.servers)
    return nextServer(this.servers, (server) => server !== avoid) ?? nextServer(this.servers)
  }

  /** Puts a stream at the end of the queue; answers how many are before it. */
  enqueue(connector: Connector): number {
    const before = this.#queue.size
    this.#queue.add(connector)
    return before
  }

  leaveQueue(connector: Connector): void {
    this.#queue.delete(connector)
  }

  /** A server has room, or came up: whoever waits longest goes there. */
  serveQueue(): void {
    for (const connector of this.#queue) {
      const server = this.choose(undefined)
      if (server === undefined) return
      this.#queue.delete(connector)
      connector.serve(server)
    }
  }
}
