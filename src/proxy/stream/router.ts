/** The way of streams through a section that accepts: its steps, the choice of a backend, and the steps behind that. */
import type { SampleNamed, Stream } from '../../sample/stream.ts'
import type { ProxyPlan } from '../plan/plan.ts'
import type { Backend } from '../server/backend.ts'
import type { Backends } from '../server/backends.ts'
import { Tally } from '../server/tally.ts'
import type { StreamFilter } from './filter.ts'
import type { Step } from './step.ts'
import { afterResponseSteps, frontendSteps, routeSteps, upgradeSteps } from './steps.ts'
import type { Route, Side } from './steps.ts'

/** One for each frontend, shared by its streams. */
export class Router implements SampleNamed, Side {
  readonly plan: ProxyPlan
  readonly name: string
  readonly id: number
  readonly filters: readonly StreamFilter[]
  readonly steps: readonly Step[]
  /** Those of streams that are HTTP from their beginning: in a TCP frontend, the requests behind the first of a connection. */
  readonly httpSteps: readonly Step[]
  /** Those of the first one, which was TCP until its backend was chosen. */
  readonly upgradeSteps: readonly Step[]
  readonly afterResponse: readonly Step[]
  /** Client connections now. */
  connections = 0
  /** Log lines so far: `%lc`. */
  logged = 0
  /** What became of streams that ended without a backend. */
  readonly tally = new Tally()

  readonly #backends: Backends
  readonly #filtersOf: (plan: ProxyPlan) => readonly StreamFilter[]
  readonly #routes = new Map<Backend, Route>()

  constructor(plan: ProxyPlan, backends: Backends, filtersOf: (plan: ProxyPlan) => readonly StreamFilter[]) {
    this.plan = plan
    this.name = plan.model.name
    this.id = plan.id
    this.#backends = backends
    this.#filtersOf = filtersOf
    this.filters = filtersOf(plan)
    this.steps = frontendSteps(this, plan.model.mode)
    this.httpSteps = plan.model.mode === 'http' ? this.steps : frontendSteps(this, 'http')
    this.upgradeSteps = upgradeSteps(this)
    this.afterResponse = afterResponseSteps(this, undefined)
  }

  /** Where a stream goes (`use_backend`, `default_backend`); a `listen` is its own backend. */
  chooseBackend(stream: Stream): Backend | undefined {
    const { plan } = this
    for (const { condition, backend } of plan.switches) {
      if (condition !== undefined && !condition(stream)) continue
      if (typeof backend !== 'function') return this.#backends.of(backend)
      // A computed name that is no backend's, or that of one for agents, leads to the default one.
      const name = backend(stream)
      if (this.#backends.isDisabled(name)) return undefined
      const named = this.#backends.named(name)
      if (named !== undefined && named.plan.model.mode !== 'spop') return named
      break
    }
    const target = plan.defaultBackend ?? (plan.model.kind === 'listen' ? plan : undefined)
    return target === undefined ? undefined : this.#backends.of(target)
  }

  /** What is fixed for the streams that go from here to `backend`. */
  routeTo(backend: Backend): Route {
    let route = this.#routes.get(backend)
    if (route === undefined) {
      const filters = backend.plan === this.plan ? [] : this.#filtersOf(backend.plan)
      route = routeSteps(this, { plan: backend.plan, filters })
      this.#routes.set(backend, route)
    }
    return route
  }
}
