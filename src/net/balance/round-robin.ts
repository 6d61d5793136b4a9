/** `balance roundrobin`, and `static-rr`: each server in turn, in proportion to its weight. */
import type { Balanced, Balancer } from './balancer.ts'

/** Smooth weighted round robin: whoever has waited longest in proportion to its weight is next. */
export class RoundRobin<T extends Balanced> implements Balancer<T, unknown> {
  readonly #waited = new Map<T, number>()

  /** Whoever is full, or avoided, loses its turn, as in HAProxy (`fwrr_get_next_server`). */
  pick(candidates: readonly T[], _asker?: unknown, all: readonly T[] = candidates): T {
    if (all.length === candidates.length) return this.#turn(candidates)
    let left = all
    for (;;) {
      const next = this.#turn(left)
      if (candidates.includes(next)) return next
      left = left.filter((each) => each !== next)
    }
  }

  #turn(candidates: readonly T[]): T {
    let total = 0
    let best = candidates[0] as T // there is at least one
    let most = Number.NEGATIVE_INFINITY
    for (const server of candidates) {
      const waited = (this.#waited.get(server) ?? 0) + server.weight
      this.#waited.set(server, waited)
      total += server.weight
      if (waited > most) {
        most = waited
        best = server
      }
    }
    this.#waited.set(best, most - total)
    return best
  }
}
