/** rate-limit with real HAProxys and a real Redis. */
import assert from 'node:assert/strict'
import { Agent as HttpAgent } from 'node:http'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { skipWithoutHaproxy } from '../support/haproxy.ts'
import { RedisServer, skipWithoutRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'
import { ask } from './agent-support.ts'
import { reloadReady, startReady, startSnippet } from './ready-support.ts'

const skip = skipWithoutHaproxy()

const memory = `agents:
  rate-limit:
    deadline_ms: 1000
    policies: [{name: all, key: '{src} {host}', limit: 3, window: 1h}]
`

test('who asks too often gets 429, and is told when to come again', { skip }, async (t) => {
  const ready = await startReady(t, memory)
  const { ports } = await startSnippet(t, ready)
  const agent = new HttpAgent({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  const get = (localAddress = '127.0.0.1', host = 'a') =>
    ask(ports.fe, { localAddress, headers: { host }, ...(localAddress === '127.0.0.1' ? { agent } : {}) })
  for (const left of [2, 1, 0]) {
    const { status, headers } = await get()
    assert.deepEqual(
      [status, /^"all";r=(\d);t=\d+$/.exec(String(headers['ratelimit']))?.[1]],
      [200, String(left)],
    )
  }
  const over = await get()
  assert.deepEqual([over.status, over.body], [429, 'too many requests'])
  assert.ok(Number(over.headers['retry-after']) > 0)
  assert.match(String(over.headers['ratelimit']), /^"all";r=0;t=\d+$/)
  assert.equal((await get('127.0.0.2')).status, 200)
  assert.equal((await get('127.0.0.1', 'b')).status, 200)
})

const shared = (redis: RedisServer, limit: number, more = '') => `agents:
  rate-limit:
    deadline_ms: 2000
    policies: [{name: all, key: '{host}', limit: ${limit}, window: 1h}]
    store: {url: 'redis://127.0.0.1:${redis.port}', timeout: 1s}
    local_cache: 0
${more}`

test(
  'two agents and two HAProxys give out exactly the limit',
  { skip: skip || skipWithoutRedis() },
  async (t) => {
    const redis = await RedisServer.start(t)
    const agents = [await startReady(t, shared(redis, 60)), await startReady(t, shared(redis, 60))] as const
    const servers = agents.map(({ port }) => `127.0.0.1:${port}`)
    const haproxys = [
      await startSnippet(t, agents[0], { servers }),
      await startSnippet(t, agents[1], { servers: servers.toReversed() }),
    ] as const
    const statuses = await Promise.all(
      Array.from(
        { length: 150 },
        async (_, index) =>
          (await ask(haproxys[index % 2 === 0 ? 0 : 1].ports.fe, { headers: { host: 'x' } })).status,
      ),
    )
    assert.equal(statuses.filter((status) => status === 200).length, 60)
    assert.equal(statuses.filter((status) => status === 429).length, 90)
    for (const { agents: each } of agents) assert.ok(each.agent.stats.frames.notifies > 0, 'both were asked')
  },
)

test(
  'a Redis that is killed, flushed and started again under load costs no request',
  { skip: skip || skipWithoutRedis() },
  async (t) => {
    const redis = await RedisServer.start(t)
    const ready = await startReady(t, shared(redis, 1_000_000))
    const { ports } = await startSnippet(t, ready, {
      more: 'http-request set-header x-by %[var(txn.rate_limit.source)]',
    })
    const agent = new HttpAgent({ keepAlive: true, maxSockets: 6 })
    t.after(() => agent.destroy())
    const seen = new Map<string, number>()
    let over = false
    t.after(() => (over = true))
    const load = Array.from({ length: 6 }, async () => {
      while (!over) {
        const { status, body } = await ask(ports.fe, { agent, headers: { host: 'x' } })
        const sent = status === 200 ? (JSON.parse(body) as Record<string, string>) : {}
        const what = `${status} ${sent['x-by'] ?? ''} ${sent['x-rate-limit-error'] ?? ''}`.trim()
        seen.set(what, (seen.get(what) ?? 0) + 1)
      }
    })
    const count = (what: string) => seen.get(what) ?? 0
    const more = (what: string) => {
      const before = count(what)
      return until(() => count(what) > before + 5, `more of ${what}`, 15_000)
    }
    await more('200 shared')
    redis.cli('script', 'flush')
    await more('200 shared')
    await redis.kill()
    await more('200 local')
    await redis.restart()
    await more('200 shared')
    redis.cli('flushall')
    await more('200 shared')
    over = true
    await Promise.all(load)
    assert.deepEqual([...seen.keys()].toSorted(), ['200 local', '200 shared'])
    assert.doesNotMatch(ready.agents.agent.metrics(), /policy_answers_total\{/)
  },
)

test(
  'a reload keeps the connection to the store, and one that fails does not end it',
  { skip: skip || skipWithoutRedis() },
  async (t) => {
    const redis = await RedisServer.start(t)
    const config = (list: string, more = '') =>
      `${shared(redis, 5, more)}  ip-reputation: {deadline_ms: 2000, sources: [{name: bad, file: ${list}}]}\n`
    const ready = await startReady(t, config('bad.txt'), { 'bad.txt': '192.0.2.1\n' })
    const { ports } = await startSnippet(t, ready)
    const left = async () => {
      const { headers } = await ask(ports.fe, { headers: { host: 'x' } })
      return String(headers['ratelimit']).split(';')[1]
    }
    const connections = () =>
      redis
        .cli('client', 'list')
        .split('\n')
        .filter((line) => line.includes('name=sluice')).length
    assert.equal(await left(), 'r=4')
    await reloadReady(ready.agents, ready.dir, config('bad.txt', '    replicas: 2\n'))
    assert.equal(await left(), 'r=3')
    // Made in this order: the limits are there when the list is not.
    const broken = reloadReady(ready.agents, ready.dir, config('none.txt'))
    await assert.rejects(broken, /ip-reputation would not be ready/)
    // What was replaced ends a moment later.
    await sleep(1300)
    assert.deepEqual([await left(), connections()], ['r=2', 1])
    assert.equal(ready.agents.agent.status.readSources()[0]?.ok, true)
  },
)
