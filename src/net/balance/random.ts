/** `balance random`: some servers by chance, the least loaded of them. */
import type { Balanced, Balancer } from './balancer.ts'

/** Two draws are enough to keep loads even (configuration.txt 4.2 "balance"). */
export class RandomDraws<T extends Balanced> implements Balancer<T, unknown> {
  readonly #draws: number

  constructor(draws: number) {
    this.#draws = draws
  }

  pick(candidates: readonly T[]): T {
    let best = draw(candidates)
    for (let at = 1; at < this.#draws; at++) {
      const other = draw(candidates)
      if (other.served * best.weight < best.served * other.weight) best = other
    }
    return best
  }
}

function draw<T extends Balanced>(candidates: readonly T[]): T {
  let left = Math.random() * candidates.reduce((sum, { weight }) => sum + weight, 0)
  for (const server of candidates) {
    left -= server.weight
    if (left < 0) return server
  }
  return candidates[0] as T // there is at least one
}
