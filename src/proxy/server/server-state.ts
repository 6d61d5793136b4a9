/** Whether a server may be chosen: what its checks say, and what an administrator says. */
import type { CheckStats } from '../plan/check-stats.ts'

/** `drain`: no new streams; `maint`: as if it were not there (management.txt 9.3 "set server"). */
export type AdminState = 'ready' | 'drain' | 'maint'

/** One per server. Who changes it tells the backend, whose queue may move. */
export class ServerState {
  readonly weight: number
  /** What the last health check has found; undefined before the first, and without checks. */
  check: CheckStats | undefined
  #admin: AdminState
  #healthy = true

  constructor(weight: number, disabled: boolean) {
    this.weight = weight
    this.#admin = disabled ? 'maint' : 'ready'
  }

  get admin(): AdminState {
    return this.#admin
  }

  setAdmin(admin: AdminState): void {
    this.#admin = admin
  }

  /** What the health checks say; servers without checks are healthy. */
  get healthy(): boolean {
    return this.#healthy
  }

  setHealthy(healthy: boolean): void {
    this.#healthy = healthy
  }

  /** Whether it runs: connections to it are worth keeping. */
  get up(): boolean {
    return this.#healthy && this.#admin !== 'maint'
  }

  /** Whether the balancer may choose it at all. */
  get usable(): boolean {
    return this.#healthy && this.#admin === 'ready' && this.weight > 0
  }
}
