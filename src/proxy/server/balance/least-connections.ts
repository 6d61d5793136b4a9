/** `balance leastconn`: the server with the fewest streams for its weight; among equals each in turn. */
import type { Balanced, Balancer } from './balancer.ts'
import { RoundRobin } from './round-robin.ts'

/** Counts the stream that is to be placed, as HAProxy does: a heavier server is taken first when all are idle. */
export class LeastConnections<T extends Balanced> implements Balancer<T> {
  readonly #equals = new RoundRobin<T>()

  pick(candidates: readonly T[]): T {
    let least = Number.POSITIVE_INFINITY
    let equals: T[] = []
    for (const server of candidates) {
      const load = (server.served + 1) / server.weight
      if (load > least) continue
      if (load < least) equals = []
      least = load
      equals.push(server)
    }
    return this.#equals.pick(equals)
  }
}
