/** The balance algorithms alone: whom they pick, one after the other. test/parity/balance has HAProxy beside them. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { BalanceAlgorithm } from '#src/config/model/index.js'
import { implementedAlgorithms } from '#src/config/keywords/balance.js'
import { createBalancer } from '#src/proxy/server/balance.js'
import { testStream } from '../support/sample-stream.js'
import type { Balanced } from '#src/net/balance/balancer.js'

/** None of these algorithms looks at it. */
const stream = testStream()
const none = 0

interface Server extends Balanced {
  readonly name: string
  served: number
}

function servers(...weights: number[]): Server[] {
  return weights.map((weight, at) => ({
    name: 'abc'[at] ?? '',
    id: at + 1,
    weight,
    served: 0,
  }))
}

const create = (algorithm: BalanceAlgorithm, parameter?: string) =>
  createBalancer<Server>({ algorithm, parameter, args: [] })

/** The names of those that are picked; each stream stays for `lasts` picks. */
function picks(algorithm: BalanceAlgorithm, all: Server[], count: number, lasts = 0): string {
  const balancer = create(algorithm)
  const serving: Server[] = []
  let seen = ''
  for (let at = 0; at < count; at++) {
    const server = balancer.pick(all, stream, all)
    seen += server.name
    server.served++
    serving.push(server)
    if (serving.length > lasts) (serving.shift() as Server).served-- // there is one
  }
  return seen
}

const ever = Number.POSITIVE_INFINITY

describe('balance', () => {
  for (const [algorithm, weights, lasts, expected] of [
    ['roundrobin', [1, 1, 1], none, 'abcabcabc'],
    ['roundrobin', [3, 1], none, 'aabaaaba'],
    ['roundrobin', [1, 256], none, 'bbbbbbbb'],
    ['static-rr', [2, 1], none, 'abaaba'],
    ['leastconn', [1, 1, 1], none, 'abcabcabc'],
    // All are idle, so all are equal.
    ['leastconn', [30, 10], none, 'abababab'],
    ['leastconn', [1, 1], ever, 'abababab'],
    ['leastconn', [30, 10], ever, 'abaaaabaaa'],
    ['first', [1, 2, 3], ever, 'aaaaaa'],
  ] as const) {
    it(`${algorithm}, weights ${weights.join(' ')}, streams that stay ${lasts === none ? 'no time' : 'for ever'}`, () => {
      assert.equal(picks(algorithm, servers(...weights), expected.length, lasts), expected)
    })
  }

  it('first goes by the ids', () => {
    const [a, b] = servers(1, 1)
    const swapped = [
      { ...a, id: 7 },
      { ...b, id: 3 },
    ] as Server[] // there are two
    assert.equal(picks('first', swapped, 3), 'bbb')
  })

  it('leastconn prefers whoever has lost a stream', () => {
    const all = servers(1, 1, 1)
    for (const each of all) each.served = 3
    const [, b] = all
    assert.ok(b)
    b.served = 2
    assert.equal(create('leastconn').pick(all, stream, all), b)
  })

  it('random(n) with many draws takes the least loaded; with one, everybody by weight', () => {
    const all = servers(1, 1, 2)
    for (const each of all) each.served = 5
    const [a] = all
    assert.ok(a)
    a.served = 0
    assert.equal(create('random', '64').pick(all, stream, all), a)
    const counts = new Map<string, number>()
    const one = create('random', '1')
    for (let at = 0; at < 4000; at++) {
      const { name } = one.pick(all, stream, all)
      counts.set(name, (counts.get(name) ?? 0) + 1)
    }
    // A quarter, a quarter, a half; six standard deviations are 165.
    assert.ok(Math.abs((counts.get('a') ?? 0) - 1000) < 165)
    assert.ok(Math.abs((counts.get('c') ?? 0) - 2000) < 190)
  })

  it('no algorithm that the configuration takes is another one', () => {
    const kinds = [...implementedAlgorithms].map((each) => create(each).constructor.name)
    assert.deepEqual(new Set(kinds), new Set(['RoundRobin', 'LeastConnections', 'First', 'RandomDraws']))
  })
})
