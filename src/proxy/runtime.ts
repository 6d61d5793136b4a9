/** Everything that a running proxy shares: counters, `proc` variables, backends, engines, log targets. */
import { networkInterfaces } from 'node:os'
import { formatIp } from '../ip.ts'
import { formatResponseHead } from '../http1/index.ts'
import type { SampleEndpoint } from '../sample/stream.ts'
import { VariableStore } from '../sample/variables.ts'
import { Backend } from './server/backend.ts'
import { SpoeFilter } from './filters/spoe/filter.ts'
import { Frontend } from './client/frontend.ts'
import { HealthChecks } from './server/health.ts'
import { LogSink } from './log/sink.ts'
import type { ErrorReply, Plan, ProxyPlan } from './plan/plan.ts'
import type { ProxySettings } from './settings.ts'

/** See the head of this file. */
export class ProxyRuntime {
  readonly plan: Plan
  readonly settings: ProxySettings
  readonly variables: VariableStore
  readonly log: LogSink
  readonly health: HealthChecks
  readonly frontends: readonly Frontend[]
  readonly pid = process.pid
  /** Client connections now. */
  connections = 0
  /** Whether connections are being closed as their requests end. */
  closing = false
  /** Told when a client has gone. */
  onClientGone: () => void = () => {}

  #serial = 0
  readonly #backends = new Map<ProxyPlan, Backend>()
  readonly #byName = new Map<string, Backend>()
  readonly #filters = new Map<ProxyPlan, readonly SpoeFilter[]>()
  readonly #waiting = new Set<Frontend>()
  #localAddresses: ReadonlySet<string> | undefined

  constructor(plan: Plan, settings: ProxySettings) {
    this.plan = plan
    this.settings = settings
    this.variables = new VariableStore({ permanent: plan.variableNames.of('proc') })
    this.log = new LogSink(plan, settings)
    for (const each of plan.proxies) {
      if (each.model.kind === 'frontend') continue
      const backend = new Backend(each, this)
      this.#backends.set(each, backend)
      this.#byName.set(each.model.name, backend)
    }
    for (const each of plan.proxies) {
      this.#filters.set(
        each,
        each.filters.map((filter) => new SpoeFilter(filter, this)),
      )
    }
    this.frontends = plan.proxies
      .filter((each) => each.model.kind !== 'backend' && !each.model.disabled)
      .map((each) => new Frontend(each, this))
    this.health = new HealthChecks(this)
  }

  get backends(): IterableIterator<Backend> {
    return this.#backends.values()
  }

  /** Whether `global maxconn` is reached. */
  get full(): boolean {
    const { maxconn } = this.plan.global
    return maxconn !== undefined && maxconn > 0 && this.connections >= maxconn
  }

  nextSerial(): number {
    return this.#serial++
  }

  /** Streams so far. */
  get streams(): number {
    return this.#serial
  }

  backendOf(plan: ProxyPlan): Backend | undefined {
    return plan.model.disabled ? undefined : this.#backends.get(plan)
  }

  backendNamed(name: string): Backend | undefined {
    const backend = this.#byName.get(name)
    return backend === undefined || backend.plan.model.disabled ? undefined : backend
  }

  filtersOf(plan: ProxyPlan): readonly SpoeFilter[] {
    return this.#filters.get(plan) ?? []
  }

  frontendWaits(frontend: Frontend): void {
    this.#waiting.add(frontend)
  }

  clientGone(): void {
    for (const frontend of this.#waiting) {
      if (this.full) break
      this.#waiting.delete(frontend)
      frontend.acceptWaiting()
    }
    this.onClientGone()
  }

  /** Whether an address is one of this machine's. */
  isLocal(endpoint: SampleEndpoint | undefined): boolean {
    if (endpoint === undefined) return false
    this.#localAddresses ??= new Set(
      Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map(({ address }) => address)),
    )
    return this.#localAddresses.has(formatIp(endpoint.address))
  }

  /** The head of an `errorfile` that is sent before there is a stream. */
  formatErrorReply({ status, reason, headers }: ErrorReply): string {
    const own = headers.clone()
    own.add('connection', 'close')
    return formatResponseHead(status, reason, own)
  }

  /** Ends what outlives the clients: engines, FastCGI clients, idle connections, checks. */
  async closeServers(): Promise<void> {
    this.health.stop()
    for (const backend of this.#backends.values()) for (const server of backend.servers) server.closeIdle()
    await Promise.all([
      ...[...this.#filters.values()].flat().map((filter) => filter.close()),
      ...[...this.#backends.values()].flatMap((backend) => backend.servers.map((server) => server.close())),
    ])
    this.log.close()
  }

  destroyServers(): void {
    this.health.stop()
    for (const filter of [...this.#filters.values()].flat()) filter.destroy()
    for (const backend of this.#backends.values()) for (const server of backend.servers) server.destroy()
    this.log.close()
  }
}
