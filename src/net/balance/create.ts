import type { Balanced, Balancer } from './balancer.ts'
import { First } from './first.ts'
import { LeastConnections } from './least-connections.ts'
import { RandomDraws } from './random.ts'
import { RoundRobin } from './round-robin.ts'

/** The algorithms that look at servers alone (configuration.txt 4.2 "balance"). */
export const plainAlgorithms = ['roundrobin', 'leastconn', 'first', 'random'] as const

/** One of {@link plainAlgorithms}. */
export type PlainAlgorithm = (typeof plainAlgorithms)[number]

/** Two are enough to keep loads even (configuration.txt 4.2 "balance"). */
const defaultDraws = 2

/** `draws` is the parameter of `random`. */
export function createPlainBalancer<T extends Balanced>(
  algorithm: PlainAlgorithm,
  draws = defaultDraws,
): Balancer<T, unknown> {
  switch (algorithm) {
    case 'roundrobin':
      return new RoundRobin()
    case 'leastconn':
      return new LeastConnections()
    case 'first':
      return new First()
    case 'random':
      return new RandomDraws(draws)
  }
}
