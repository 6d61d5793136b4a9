/** Assembles a running proxy: context, backends, filters, frontends, checks, in this order; and ends it in the other. */
import { Frontend } from './client/frontend.ts'
import type { FrontendHost } from './client/frontend.ts'
import { ProxyContext } from './context.ts'
import { SpoeFilter } from './filters/spoe/filter.ts'
import { LogSink } from './log/sink.ts'
import type { InnerPlan, ProxyPlan } from './plan/plan.ts'
import { Backends } from './server/backends.ts'
import { HealthChecks } from './server/health.ts'
import type { ProxySettings } from './settings.ts'
import { Router } from './stream/router.ts'

/** Nobody below knows it: each room was given what it needs. */
export class ProxyRuntime implements FrontendHost {
  readonly plan: InnerPlan
  readonly context: ProxyContext
  readonly backends: Backends
  readonly health: HealthChecks
  readonly frontends: readonly Frontend[]
  /** Told when a client has gone. */
  onClientGone: () => void = () => {}

  readonly #filters = new Map<ProxyPlan, readonly SpoeFilter[]>()
  readonly #waiting = new Set<Frontend>()

  constructor(plan: InnerPlan, settings: ProxySettings) {
    const context = new ProxyContext(plan, settings, new LogSink(plan, settings))
    const backends = new Backends(plan.proxies, context)
    for (const each of plan.proxies) {
      this.#filters.set(
        each,
        each.filters.map((filter) => new SpoeFilter(filter, context, backends)),
      )
    }
    this.plan = plan
    this.context = context
    this.backends = backends
    this.frontends = plan.proxies
      .filter(({ model }) => model.kind !== 'backend' && !model.disabled)
      .map((each) => {
        const router = new Router(each, backends, (of) => this.filtersOf(of))
        return new Frontend(router, context, this)
      })
    this.health = new HealthChecks(backends, context)
  }

  filtersOf(plan: ProxyPlan): readonly SpoeFilter[] {
    return this.#filters.get(plan) ?? []
  }

  // For the frontends.

  get full(): boolean {
    const { maxconn } = this.plan.global
    return maxconn !== undefined && maxconn > 0 && this.context.connections >= maxconn
  }

  frontendWaits(frontend: Frontend): void {
    this.#waiting.add(frontend)
  }

  clientGone(): void {
    // Who waits on is added again, and not looked at twice.
    const waiting = [...this.#waiting]
    for (const frontend of waiting) {
      if (this.full) break
      frontend.acceptWaiting()
      // The others of a frontend wait on when the process is full again, behind those of the other frontends.
      this.#waiting.delete(frontend)
      if (frontend.waits) this.#waiting.add(frontend)
    }
    this.onClientGone()
  }

  // The end.

  /** Nothing more is accepted, and what is idle is closed. */
  stopListening(): void {
    this.context.closing = true
    for (const frontend of this.frontends) frontend.stopListening()
  }

  /** Ends what outlives the clients: engines, idle connections, checks. */
  async closeServers(): Promise<void> {
    this.health.stop()
    this.backends.close()
    await Promise.all(this.#allFilters().map((filter) => filter.close()))
    this.context.deadlines.clear()
    await this.context.log.close()
  }

  /** Ends every client at once; what they have left is logged, and told to {@link onClientGone}. */
  cutOff(): void {
    for (const frontend of this.frontends) frontend.destroy()
  }

  destroy(): void {
    this.context.closing = true
    this.cutOff()
    this.health.stop()
    for (const filter of this.#allFilters()) filter.destroy()
    this.backends.close()
    this.context.deadlines.clear()
    void this.context.log.close()
  }

  #allFilters(): readonly SpoeFilter[] {
    return [...this.#filters.values()].flat()
  }
}
