/** `balance first`: the first server that has room, in the order of their ids (configuration.txt 5.2 "id"). */
import type { Balanced, Balancer } from './balancer.ts'

/** Remembers nothing. */
export class First<T extends Balanced> implements Balancer<T, unknown> {
  pick(candidates: readonly T[]): T {
    let best = candidates[0] as T // there is at least one
    for (const server of candidates) if (server.id < best.id) best = server
    return best
  }
}
