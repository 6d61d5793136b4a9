/** A server of a backend: its state, what it carries, and its idle connections. */
import { createFcgiClient } from '../../fcgi/index.ts'
import type { FcgiClient, FcgiClientOptions } from '../../fcgi/index.ts'
import type { SampleEndpoint, SampleNamed } from '../../sample/stream.ts'
import type { ProxyContext } from '../context.ts'
import type { ProxyPlan, ServerPlan } from '../plan/plan.ts'
import { sampleEndpoint } from '../wire/addresses.ts'
import type { Balanced } from './balance/balancer.ts'
import { IdlePool, idleTimeout } from './idle-pool.ts'
import { ServerState } from './server-state.ts'
import type { ServerConnection } from './server-transport.ts'

/** Connections to a FastCGI server without `maxconn`: more workers than a single php-fpm pool usually has. */
const mostFcgiConnections = 256

/** Counts the streams that were given to it; who gives them is the backend. */
export class Server implements SampleNamed, Balanced {
  readonly plan: ServerPlan
  readonly backend: ProxyPlan
  readonly context: ProxyContext
  readonly name: string
  readonly id: number
  readonly backup: boolean
  readonly state: ServerState
  readonly pool: IdlePool
  /** Streams that it was given and that have not ended. */
  served = 0
  /** Streams that it was given, in all. */
  total = 0
  #fcgi: FcgiClient | undefined

  constructor(plan: ServerPlan, backend: ProxyPlan, context: ProxyContext) {
    const { name, weight, disabled, backup, poolMaxConn } = plan.model
    this.plan = plan
    this.backend = backend
    this.context = context
    this.name = name
    this.id = plan.id
    this.backup = backup
    this.state = new ServerState(weight, disabled)
    this.pool = new IdlePool(poolMaxConn ?? Number.POSITIVE_INFINITY)
  }

  /** As samples have it; undefined for a name that is still to be resolved. */
  get address(): SampleEndpoint | undefined {
    const { address } = this.plan.model
    return address.type === 'tcp' ? sampleEndpoint(address.host, address.port) : undefined
  }

  get weight(): number {
    return this.state.weight
  }

  get usable(): boolean {
    return this.state.usable
  }

  /** Whether it has as many streams as it may have. */
  get full(): boolean {
    const { maxconn } = this.plan.model
    return maxconn !== undefined && maxconn > 0 && this.served >= maxconn
  }

  /** Keeps a connection for later. Answers false when it is to be closed. */
  keep(connection: ServerConnection): boolean {
    return this.state.up && !this.context.closing && this.pool.put(connection)
  }

  /** The client of a `proto fcgi` server, made for the first request. */
  get fcgi(): FcgiClient {
    return (this.#fcgi ??= createFcgiClient(fcgiOptions(this)))
  }

  async close(): Promise<void> {
    this.pool.close()
    await this.#fcgi?.close()
  }

  destroy(): void {
    this.pool.close()
    this.#fcgi?.destroy()
  }
}

/** Times and limits as the backend and the `fcgi-app` section say. */
function fcgiOptions({ plan, backend, context }: Server): FcgiClientOptions {
  const { timeouts, fcgi: app } = backend
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
    queueTimeout: timeouts.queue ?? 0,
    maxHeadSize: context.settings.maxHeadSize,
    maxHeaders: context.settings.maxHeaders,
    logger: context.settings.logger,
  }
}
