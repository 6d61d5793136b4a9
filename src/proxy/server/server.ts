/** A server of a backend: whether it is up, what it carries, and its idle connections. */
import { createFcgiClient } from '../../fcgi/index.ts'
import type { FcgiClient, FcgiClientOptions } from '../../fcgi/index.ts'
import type { Backend } from './backend.ts'
import type { HttpServerConnection } from './http1-server.ts'
import type { ServerPlan } from '../plan/plan.ts'
import type { SampleNamed } from '../../sample/stream.ts'

/** HAProxy's `pool-purge-delay`: an idle connection that nobody took for this long is closed, in milliseconds. */
export const idleTimeout = 5000

/** Connections to a FastCGI server without `maxconn`: more workers than a single php-fpm pool usually has. */
const mostFcgiConnections = 256

/** See the head of this file. */
export class Server implements SampleNamed {
  readonly plan: ServerPlan
  readonly backend: Backend
  readonly name: string
  readonly id: number
  readonly weight: number
  /** What the health checks say; servers without checks are up. */
  up: boolean
  /** Streams that it was given and that have not ended. */
  served = 0
  /** Streams that it was given, in all. */
  total = 0
  /** Where smooth weighted round robin stands. */
  balance = 0

  /** Connections that have answered one request, and those that have proved to be kept open. The last one is taken first. */
  readonly #idle: HttpServerConnection[] = []
  readonly #safe: HttpServerConnection[] = []
  #fcgi: FcgiClient | undefined

  constructor(plan: ServerPlan, backend: Backend) {
    this.plan = plan
    this.backend = backend
    this.name = plan.model.name
    this.id = plan.id
    this.weight = plan.model.weight
    this.up = !plan.model.disabled
  }

  /** Whether the balancer may choose it at all. */
  get usable(): boolean {
    return this.up && this.weight > 0
  }

  /** Whether it has as many streams as it may have. */
  get full(): boolean {
    const { maxconn } = this.plan.model
    return maxconn !== undefined && maxconn > 0 && this.served >= maxconn
  }

  /** How many idle connections there are. */
  get idleConnections(): number {
    return this.#idle.length + this.#safe.length
  }

  /**
   * An idle connection that may carry a request (the table in `connect_server`, src/backend.c): with `safe`, the first
   * request of a client goes out on a connection of its own, since the client would not repeat it.
   */
  takeIdle(firstRequest: boolean): HttpServerConnection | undefined {
    switch (this.backend.plan.model.httpReuse) {
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

  /** Keeps a connection for later. Answers false when there are enough already. */
  putIdle(connection: HttpServerConnection): boolean {
    const { httpReuse } = this.backend.plan.model
    const most = this.plan.model.poolMaxConn ?? Number.POSITIVE_INFINITY
    if (httpReuse === 'never' || !this.up || this.backend.proxy.closing || this.idleConnections >= most)
      return false
    const list = connection.requests > 1 ? this.#safe : this.#idle
    list.push(connection)
    return true
  }

  /** Forgets an idle connection that has died. */
  dropIdle(connection: HttpServerConnection): void {
    for (const list of [this.#idle, this.#safe]) {
      const at = list.indexOf(connection)
      if (at >= 0) list.splice(at, 1)
    }
  }

  /** The client of a `proto fcgi` server, made for the first request. */
  get fcgi(): FcgiClient {
    return (this.#fcgi ??= createFcgiClient(fcgiOptions(this)))
  }

  async close(): Promise<void> {
    this.closeIdle()
    await this.#fcgi?.close()
  }

  destroy(): void {
    this.closeIdle()
    this.#fcgi?.destroy()
  }

  /** Closes all idle connections. */
  closeIdle(): void {
    for (const connection of [...this.#idle, ...this.#safe]) connection.destroy()
    this.#idle.length = 0
    this.#safe.length = 0
  }
}

/** Times and limits as the backend and the `fcgi-app` section say. */
function fcgiOptions({ plan, backend }: Server): FcgiClientOptions {
  const { timeouts } = backend.plan.model
  const app = backend.plan.fcgi
  const { address, maxconn, poolMaxConn } = plan.model
  return {
    endpoint: address,
    keepConn: app?.model.keepConn ?? true,
    getValues: app?.model.getValues ?? false,
    multiplex: app?.model.mpxsConns ?? false,
    maxRequests: app?.model.maxReqs ?? 1,
    maxConnections: maxconn ?? mostFcgiConnections,
    maxIdleConnections: poolMaxConn ?? maxconn ?? mostFcgiConnections,
    idleTimeout,
    connectTimeout: timeouts.connect ?? 5000,
    responseTimeout: timeouts.server ?? 0,
    queueTimeout: timeouts.queue ?? timeouts.connect ?? 0,
    maxHeadSize: backend.proxy.settings.maxHeadSize,
    maxHeaders: backend.proxy.settings.maxHeaders,
    logger: backend.proxy.settings.logger,
  }
}
