/** The balance algorithms by their names. */
import type { Balance } from '../../../config/index.ts'
import type { Balanced, Balancer } from './balancer.ts'
import { First } from './first.ts'
import { LeastConnections } from './least-connections.ts'
import { RandomDraws } from './random.ts'
import { RoundRobin } from './round-robin.ts'

/** What the configuration asks for; what it may not ask for is refused when it is read. */
export function createBalancer<T extends Balanced>({ algorithm, parameter }: Balance): Balancer<T> {
  switch (algorithm) {
    case 'leastconn':
      return new LeastConnections()
    case 'first':
      return new First()
    case 'random':
      return new RandomDraws(Number(parameter ?? 2))
    default:
      return new RoundRobin()
  }
}
