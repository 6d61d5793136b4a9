/** The backends of a proxy, by plan and by name. */
import type { ProxyPlan } from '../plan/plan.ts'
import type { ProxyContext } from '../context.ts'
import { Backend } from './backend.ts'

/** Those that are `disabled` are not to be had, and are counted all the same. */
export class Backends {
  readonly #byPlan = new Map<ProxyPlan, Backend>()
  readonly #byName = new Map<string, Backend>()

  constructor(plans: readonly ProxyPlan[], context: ProxyContext) {
    for (const plan of plans) {
      if (plan.model.kind === 'frontend') continue
      const backend = new Backend(plan, context)
      this.#byPlan.set(plan, backend)
      this.#byName.set(plan.model.name, backend)
    }
  }

  [Symbol.iterator](): IterableIterator<Backend> {
    return this.#byPlan.values()
  }

  of(plan: ProxyPlan): Backend | undefined {
    return plan.model.disabled ? undefined : this.#byPlan.get(plan)
  }

  named(name: string): Backend | undefined {
    const backend = this.#byName.get(name)
    return backend === undefined || backend.plan.model.disabled ? undefined : backend
  }

  isDisabled(name: string): boolean {
    return this.#byName.get(name)?.plan.model.disabled === true
  }

  /** Ends what outlives the streams. */
  close(): void {
    for (const { servers } of this) for (const server of servers) server.close()
  }
}
