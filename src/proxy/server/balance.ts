/** The balance algorithms by their names in the configuration. */
import type { Balance } from '../../config/index.ts'
import type { Balanced, Balancer } from '../../net/balance/balancer.ts'
import { createPlainBalancer } from '../../net/balance/create.ts'
import type { PlainAlgorithm } from '../../net/balance/create.ts'
import type { Stream } from '../../sample/stream.ts'

/** What the configuration asks for; what it may not ask for is refused when it is read. */
export function createBalancer<T extends Balanced>(balance: Balance): Balancer<T, Stream> {
  return createPlainBalancer(plainAlgorithm(balance), drawsOf(balance))
}

/** `static-rr` differs in what may be changed at run time alone. */
export function plainAlgorithm({ algorithm }: Balance): PlainAlgorithm {
  switch (algorithm) {
    case 'leastconn':
    case 'first':
    case 'random':
      return algorithm
    default:
      return 'roundrobin'
  }
}

/** `random(draws)`. */
export function drawsOf({ parameter }: Balance): number | undefined {
  return parameter === undefined ? undefined : Number(parameter)
}
