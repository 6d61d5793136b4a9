/** A server of a backend: its state, what it carries, and its idle connections. */
import { monotonic } from '../../base/clock.ts'
import type { SampleEndpoint, SampleNamed } from '../../sample/stream.ts'
import type { ProxyContext } from '../context.ts'
import type { ProxyPlan, ServerPlan } from '../plan/plan.ts'
import { sampleEndpoint, unixEndpoint } from '../wire/addresses.ts'
import type { Balanced } from '../../net/balance/balancer.ts'
import { resolveFcgiOptions } from './fcgi-options.ts'
import type { FcgiOptions } from './fcgi-options.ts'
import { IdlePool } from './idle-pool.ts'
import { ServerState } from './server-state.ts'
import type { OwnConnections, ServerConnection } from './server-transport.ts'
import { WorkerShortage } from './worker-shortage.ts'

/** Told at most so often, in milliseconds. */
const toldEvery = 10_000
/** What a server is that is merely away: the log line of each request says so. */
const away: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
])

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
  /** How to speak to a `proto fcgi` server; undefined for others. */
  fcgi: FcgiOptions | undefined
  /** Which connections to such a server make way for others. */
  readonly workers = new WorkerShortage()
  /** Streams that it was given and that have not ended. */
  served = 0
  /** Streams that it was given, in all. */
  total = 0
  #toldAt = Number.NEGATIVE_INFINITY

  constructor(plan: ServerPlan, backend: ProxyPlan, context: ProxyContext) {
    const { name, weight, disabled, backup, poolMaxConn, proto } = plan.model
    this.plan = plan
    this.backend = backend
    this.context = context
    this.name = name
    this.id = plan.id
    this.backup = backup
    this.state = new ServerState(weight, disabled)
    this.pool = new IdlePool(poolMaxConn ?? Number.POSITIVE_INFINITY, backend.model.httpReuse)
    if (proto === 'fcgi') this.fcgi = resolveFcgiOptions(backend, context)
  }

  /** As samples have it; undefined for a name that is still to be resolved, and for a descriptor. */
  get address(): SampleEndpoint | undefined {
    const { address } = this.plan.model
    if (address.type === 'tcp') return sampleEndpoint(address.host, address.port)
    return this.unix
  }

  /** Both ends of a connection to it, when it is reached by a unix socket. */
  get unix(): SampleEndpoint | undefined {
    return this.plan.model.address.type === 'unix' ? unixEndpoint(0) : undefined
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

  /** Keeps a connection for later, with `http-reuse never` for one client. Answers false when it is to be closed. */
  keep(connection: ServerConnection, own: OwnConnections | undefined): boolean {
    if (!this.state.up || this.context.closing) return false
    if (this.backend.model.httpReuse !== 'never') return this.pool.put(connection)
    own?.put(this, connection)
    return own !== undefined
  }

  /**
   * Tells why it cannot be connected to, unless it is merely away. HAProxy resolves names when it starts, and refuses those that
   * are not known; of the path of a socket that is wrong, or may not be opened, a log line says `SC` and no more.
   */
  tellUnreachable(error: NodeJS.ErrnoException | undefined): void {
    const now = monotonic()
    if (error?.code === undefined || away.has(error.code) || now - this.#toldAt < toldEvery) return
    this.#toldAt = now
    const fields = { backend: this.backend.model.name, server: this.name, err: error }
    this.context.settings.logger.warn(fields, 'a server cannot be connected to')
  }

  close(): void {
    this.pool.end()
  }
}
