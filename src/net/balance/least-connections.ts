/** `balance leastconn`: the server with the fewest streams for its weight; among equals each in turn. */
import type { Balanced, Balancer } from './balancer.ts'

/** What HAProxy scales weights by. */
const largestWeight = 256

/**
 * As HAProxy counts (`fwlc_queue_srv`, src/lb_fwlc.c): the stream that is to be placed is one of a server that has some,
 * and all servers that have none are equal, whatever their weights.
 */
export class LeastConnections<T extends Balanced> implements Balancer<T, unknown> {
  readonly #picked = new Map<T, number>()
  #count = 0

  pick(candidates: readonly T[]): T {
    let best = candidates[0] as T // there is at least one
    for (const server of candidates) {
      const difference = load(server) - load(best)
      if (difference < 0 || (difference === 0 && this.#lastPick(server) < this.#lastPick(best))) best = server
    }
    this.#picked.set(best, ++this.#count)
    return best
  }

  #lastPick(server: T): number {
    return this.#picked.get(server) ?? 0
  }
}

function load({ served, weight }: Balanced): number {
  return served === 0 ? 0 : Math.floor(((served + 1) * largestWeight) / weight)
}
