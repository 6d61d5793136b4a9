/** `balance first`: the first server that has room, in the order of the configuration. */
import type { Balanced, Balancer } from './balancer.ts'

/** Remembers nothing. */
export class First<T extends Balanced> implements Balancer<T> {
  pick(candidates: readonly T[]): T {
    return candidates[0] as T // there is at least one
  }
}
