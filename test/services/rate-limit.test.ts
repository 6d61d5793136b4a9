/** Limits: how they are reckoned, whom they count together, and the agent with counts in memory. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { IpAddress, silentLogger } from 'sluice'
import { readReadyConfig } from '#src/services/host/config.js'
import { startReadyAgents } from '#src/services/host/host.js'
import { Breaker } from '#src/services/rate-limit/breaker.js'
import type { PolicyConfig } from '#src/services/rate-limit/config.js'
import { createLimitState, take, type Limit } from '#src/services/rate-limit/limit.js'
import { MemoryStore } from '#src/services/rate-limit/memory-store.js'
import { Policy } from '#src/services/rate-limit/policy.js'
import { makeFolder } from '../support/sluice.ts'
import { SpopClient } from '../support/spop-client.ts'

const sliding = (limit: number, window: number): Limit => ({
  algorithm: 'sliding-window',
  limit,
  window,
  burst: limit,
})
const gcra = (limit: number, window: number, burst: number): Limit => ({
  algorithm: 'gcra',
  limit,
  window,
  burst,
})

/** Requests by time and cost, and what becomes of each: `+remaining` or `-retry`, and the reset behind a slash. */
const rows: readonly (readonly [
  what: string,
  limit: Limit,
  requests: readonly (readonly [time: number, cost: number, expected: string])[],
])[] = [
  [
    'a limit, and no more',
    sliding(3, 1000),
    [
      [5000, 1, '+2/2000'],
      [5000, 1, '+1/2000'],
      [5000, 1, '+0/2000'],
      [5000, 1, '-1334/2000'],
    ],
  ],
  // Half of the window before counts: 4 * 0.5 leaves 2 of 4.
  [
    'the window before fades',
    sliding(4, 1000),
    [
      [5000, 4, '+0/2000'],
      [6000, 1, '-250/1000'],
      [6249, 1, '-1/751'],
      [6250, 1, '+0/1750'],
      [6500, 1, '+0/1500'],
      [6501, 1, '-249/1499'],
      [7001, 1, '+1/1999'],
    ],
  ],
  [
    'of two windows ago nothing counts',
    sliding(2, 1000),
    [
      [5000, 2, '+0/2000'],
      [7000, 2, '+0/2000'],
    ],
  ],
  [
    'a cost above the limit never passes',
    sliding(2, 1000),
    [
      [5000, 3, '-1000/0'],
      [5000, 2, '+0/2000'],
    ],
  ],
  [
    'a cost of nothing asks',
    sliding(2, 1000),
    [
      [5000, 0, '+2/0'],
      [5000, 2, '+0/2000'],
      [5000, 0, '+0/2000'],
    ],
  ],
  [
    'a burst, and then one each interval',
    gcra(10, 1000, 3),
    [
      [0, 1, '+2/100'],
      [0, 1, '+1/200'],
      [0, 1, '+0/300'],
      [0, 1, '-100/300'],
      [99, 1, '-1/201'],
      [100, 1, '+0/300'],
      [1000, 1, '+2/100'],
    ],
  ],
  [
    'an interval that is no whole number',
    gcra(3, 1000, 3),
    [
      [0, 3, '+0/1001'],
      [0, 1, '-334/1001'],
      [333, 1, '-1/668'],
      [334, 1, '+0/1000'],
    ],
  ],
  ['a cost above the burst never passes', gcra(10, 1000, 3), [[0, 4, '-1000/0']]],
]

for (const [what, limit, requests] of rows) {
  test(`${limit.algorithm}: ${what}`, () => {
    const state = createLimitState()
    const found = requests.map(([time, cost]) => {
      const { allowed, remaining, reset, retry } = take(state, limit, cost, time)
      assert.ok(allowed || remaining < cost || cost > remaining)
      return `${allowed ? `+${remaining}` : `-${retry}`}/${Math.ceil(reset)}`
    })
    assert.deepEqual(
      found,
      requests.map(([, , expected]) => expected),
    )
  })
}

test('who waits as long as told passes, and a moment before does not', () => {
  let seed = 7
  const random = (below: number) => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0) % below
  for (const limit of [sliding(7, 1000), sliding(100, 777), gcra(7, 1000, 7), gcra(100, 777, 5)]) {
    const state = createLimitState()
    let now = 10_000
    for (let count = 0; count < 3000; count++) {
      const cost = 1 + random(4)
      const { allowed, retry } = take(state, limit, cost, now)
      if (!allowed) {
        assert.equal(
          take({ ...state }, limit, cost, now + retry).allowed,
          true,
          `${limit.algorithm} at ${now}, ${retry}`,
        )
        if (retry > 1) assert.equal(take({ ...state }, limit, cost, now + retry - 1.001).allowed, false)
      }
      now += random(60)
    }
  }
})

test('the memory is bounded, and forgets who was not there for longest', () => {
  let now = 0
  const store = new MemoryStore(2, () => now)
  const limit = sliding(1, 1000)
  assert.equal(store.take('a', limit, 1).allowed, true)
  assert.equal(store.take('b', limit, 1).allowed, true)
  assert.equal(store.take('a', limit, 1).allowed, false)
  assert.equal(store.take('c', limit, 1).allowed, true)
  assert.equal(store.size, 2)
  assert.equal(store.take('a', limit, 1).allowed, false)
  assert.equal(store.take('b', limit, 1).allowed, true, 'it was forgotten')
  now = 5000
  assert.equal(store.take('b', limit, 1).allowed, true)
})

test('a breaker opens behind five failures, and lets one try when it has waited', () => {
  const breaker = new Breaker()
  const steps: readonly (readonly ['ask' | 'fail' | 'ok', number, boolean])[] = [
    ['ask', 0, true],
    ['fail', 0, false],
    ['fail', 0, false],
    ['ok', 0, false],
    ['fail', 0, false],
    ['fail', 0, false],
    ['fail', 0, false],
    ['fail', 0, false],
    ['ask', 0, true],
    ['fail', 10, true],
    ['ask', 11, false],
    ['ask', 2009, false],
    ['ask', 2010, true],
    ['ask', 2011, false],
    ['fail', 2050, false],
    ['ask', 4000, false],
    ['ask', 4050, true],
    ['ok', 4051, false],
    ['ask', 4052, true],
    ['ask', 4052, true],
  ]
  steps.forEach(([step, now, expected], index) => {
    if (step === 'ask') assert.equal(breaker.allows(now), expected, `step ${index}`)
    else if (step === 'fail') assert.equal(breaker.fail(now), expected, `step ${index}`)
    else breaker.succeed()
  })
})

const policy = (more: Partial<PolicyConfig> = {}) =>
  new Policy({
    name: 'p',
    key: '{src}',
    limit: 5,
    window: 1000,
    algorithm: 'sliding-window',
    ipv4_prefix: 32,
    ipv6_prefix: 64,
    dry_run: false,
    exempt: [],
    ...more,
  } as PolicyConfig)

test('keys are digests, and say who is counted together', () => {
  const key = (given: Policy, src: string | undefined, values: Record<string, string> = {}) =>
    given.keyOf(src === undefined ? undefined : IpAddress.parse(src), values)
  const usual = policy()
  for (const [src] of [['192.0.2.1'], ['2001:db8::1'], [undefined]])
    assert.match(key(usual, src), /^[\w-]{22}$/)
  assert.equal(key(usual, '2001:db8::1'), key(usual, '2001:db8::ffff:1'), 'a /64 is one client')
  assert.notEqual(key(usual, '2001:db8::1'), key(usual, '2001:db8:0:1::1'))
  assert.notEqual(key(usual, '192.0.2.1'), key(usual, '192.0.2.2'))
  const wide = policy({ ipv4_prefix: 20 })
  assert.equal(key(wide, '192.0.15.1'), key(wide, '192.0.0.2'))
  assert.notEqual(key(wide, '192.0.16.1'), key(wide, '192.0.15.1'))
  const both = policy({ key: '{host}|{path}' })
  assert.notEqual(
    key(both, undefined, { host: 'a|b', path: 'c' }),
    key(both, undefined, { host: 'a', path: 'b|c' }),
    'no value runs into the next',
  )
  assert.match(key(both, undefined, { host: '}{\r\n\u0000', path: 'x'.repeat(9000) }), /^[\w-]{22}$/)
  assert.notEqual(key(policy({ name: 'q' }), '192.0.2.1'), key(usual, '192.0.2.1'))
  assert.notEqual(key(policy({ window: 2000 }), '192.0.2.1'), key(usual, '192.0.2.1'))
})

async function start(t: TestContext, entry: string) {
  const { dir, remove } = makeFolder({})
  const file = join(dir, 'agents.yaml')
  const write = (lines: string) =>
    writeFileSync(file, `agents:\n  rate-limit:\n    deadline_ms: 2000\n${lines}`)
  write(entry)
  const agents = await startReadyAgents(await readReadyConfig({ file }), silentLogger, { closeDelay: 1 })
  const client = await SpopClient.open(await agents.agent.listen('127.0.0.1:0'))
  t.after(async () => {
    client.close()
    await agents.close()
    remove()
  })
  const ask = async (args: Readonly<Record<string, string | number | null>> = {}) => {
    const given = { src: '192.0.2.1', ...args }
    const pairs = Object.entries(given).map(
      ([name, value]) =>
        [name, name === 'src' && typeof value === 'string' ? IpAddress.parse(value) : value] as const,
    )
    const found: Record<string, unknown> = {}
    for (const action of await client.notify({ name: 'rate-limit', args: pairs })) {
      if (action.type !== 'set-var' || action.name === 'took_us') continue
      const value = 'value' in action.value ? action.value.value : undefined
      found[action.name] = typeof value === 'bigint' ? Number(value) : value
    }
    return found
  }
  const verdict = async (args: Readonly<Record<string, string | number | null>> = {}) => {
    const { verdict: what, reason, remaining } = await ask(args)
    return `${String(what)} ${String(reason)} ${String(remaining)}`
  }
  const reload = async (lines: string) => {
    write(lines)
    return agents.reload(await readReadyConfig({ file }))
  }
  return { agents, ask, verdict, reload }
}

const policies = `    policies:
      - {name: all, limit: 3, window: 1h, exempt: [10.0.0.0/8]}
      - {name: login, key: '{host} {key}', limit: 2, window: 1h, algorithm: gcra, burst: 1}
      - {name: trial, limit: 1, window: 1h, dry_run: true}
    trusted_proxies: [127.0.0.1]
`

test('requests are counted by policy, in memory', async (t) => {
  const { ask, verdict, reload, agents } = await start(t, policies)
  const first = await ask()
  assert.ok(Number(first['reset_s']) > 3600 && Number(first['reset_s']) <= 7200)
  assert.deepEqual(
    { ...first, reset_s: 0, header: String(first['header']).replace(/t=\d+/, 't=N') },
    {
      ok: true,
      verdict: 'allow',
      reason: 'within',
      allowed: true,
      limit: 3,
      remaining: 2,
      reset_s: 0,
      retry_after: 0,
      policy: 'all',
      source: 'local',
      header: '"all";r=2;t=N',
    },
  )
  assert.equal(await verdict({ cost: 2 }), 'allow within 0')
  const over = await ask()
  assert.deepEqual(
    [over['ok'], over['verdict'], over['reason'], over['allowed'], over['remaining']],
    [false, 'deny', 'over', false, 0],
  )
  assert.ok(Number(over['retry_after']) > 0 && Number(over['retry_after']) <= 7200)
  assert.equal(await verdict({ src: '192.0.2.2' }), 'allow within 2')
  assert.equal(await verdict({ src: '::ffff:192.0.2.2' }), 'allow within 1')
  assert.equal(await verdict({ src: '127.0.0.1', xff: '192.0.2.2' }), 'allow within 0')
  assert.equal(await verdict({ src: '10.1.2.3' }), 'allow exempt 3')
  assert.equal(await verdict({ src: null }), 'allow within 2')
  assert.equal(await verdict({ policy: 'login', host: 'a', key: 'me' }), 'allow within 0')
  assert.equal(await verdict({ policy: 'login', host: 'a', key: 'me' }), 'deny over 0')
  assert.equal(await verdict({ policy: 'login', host: 'a', key: 'you' }), 'allow within 0')
  assert.equal(await verdict({ policy: 'trial' }), 'allow within 0')
  const dry = await ask({ policy: 'trial' })
  assert.deepEqual(
    [dry['verdict'], dry['ok'], dry['reason'], dry['allowed']],
    ['allow', true, 'dry_run', false],
  )
  assert.equal(await verdict({ policy: 'none' }), 'allow no_policy 0')
  assert.equal(await verdict({ cost: -5 }), 'allow within 0')
  // A reload forgets no count, unless the limit is another one.
  await reload(`    on_error: closed\n${policies}`)
  assert.equal(await verdict(), 'deny over 0')
  assert.equal(await verdict({ policy: 'none' }), 'deny no_policy 0')
  await reload(policies.replace('limit: 3', 'limit: 9'))
  assert.equal(await verdict(), 'allow within 8')
  assert.equal(agents.agent.ready, true)
})

test('a configuration that makes no sense is refused', async () => {
  const { dir, remove } = makeFolder({})
  const file = join(dir, 'agents.yaml')
  for (const [lines, message] of [
    [
      "      - {name: p, limit: 1, window: 1s, key: '{scr}'}",
      /policies\[0\]\.key: may have \{src\}, \{host\}/,
    ],
    ['      - {name: p, limit: 1, window: 1s, key: all}', /must have a part in braces/],
    ['      - {name: p, limit: 1, window: 1s, burst: 5}', /has 'burst', which is for algorithm 'gcra'/],
    [
      '      - {name: p, limit: 1, window: 1s}\n    store: {}',
      /store: must have one of 'url', 'sentinels' and 'cluster'/,
    ],
    [
      "      - {name: p, limit: 1, window: 1s}\n    store: {sentinels: ['a:1']}",
      /store: must have 'master' with 'sentinels'/,
    ],
    [
      "      - {name: p, limit: 1, window: 1s}\n    store: {cluster: ['a']}",
      /store\.cluster\[0\]: must be 'host:port'/,
    ],
    [
      "      - {name: p, limit: 1, window: 1s}\n    store: {url: 'http://x'}",
      /store\.url: must begin with 'redis:\/\/'/,
    ],
  ] as const) {
    writeFileSync(file, `agents:\n  rate-limit:\n    policies:\n${lines}\n`)
    await assert.rejects(readReadyConfig({ file }), message)
  }
  remove()
})
