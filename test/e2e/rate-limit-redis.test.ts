/** Limits in a real Redis: exact, by the store's clock, and never waited for. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { silentLogger } from 'sluice'
import { Decider, type SourcedDecision } from '#src/services/rate-limit/decider.js'
import { createLimitState, take, type Limit } from '#src/services/rate-limit/limit.js'
import { MemoryStore } from '#src/services/rate-limit/memory-store.js'
import { openRedisStore } from '#src/services/rate-limit/redis-store.js'
import { limitScripts } from '#src/services/rate-limit/script.js'
import type { StoreConfig } from '#src/services/rate-limit/config.js'
import { certificates, skipWithoutOpenssl } from '../support/certificates.ts'
import { RedisServer, skipWithoutRedis, startRedisCluster, startRedisSentinel } from '../support/redis.ts'
import { until } from '../support/until.ts'

const skip = skipWithoutRedis()

const hour = 3_600_000
const sliding = (limit: number, window = hour): Limit => ({
  algorithm: 'sliding-window',
  limit,
  window,
  burst: limit,
})
const gcra = (limit: number, window = hour, burst = limit): Limit => ({
  algorithm: 'gcra',
  limit,
  window,
  burst,
})

const usual: StoreConfig = { url: undefined, tls: false, prefix: 'test:', timeout: 20 }

async function openStore(t: TestContext, config: Partial<StoreConfig>, folder = '.') {
  const store = await openRedisStore({ ...usual, ...config }, folder, silentLogger)
  t.after(() => store.close())
  return store
}

/** A decider with a generous patience: the machine may be busy. */
async function openDecider(
  t: TestContext,
  config: Partial<StoreConfig>,
  more: { timeout?: number; replicas?: number; fallback?: 'local' | 'open' | 'closed' } = {},
) {
  const store = await openStore(t, config)
  const options = {
    local: new MemoryStore(1000),
    fallback: 'local' as const,
    replicas: 1,
    timeout: 2000,
    rememberedRefusals: 0,
    logger: silentLogger,
  }
  const decider = new Decider({ store, ...options, ...more })
  t.after(() => decider.close())
  return decider
}

/** A promise, also of what is decided at once. */
const decide = async (decider: Decider, key: string, limit: Limit, cost = 1) =>
  decider.decide(key, limit, cost)

const urlOf = ({ port }: RedisServer) => ({ url: `redis://127.0.0.1:${port}` })

test('the scripts reckon as limit.ts does', { skip }, async (t) => {
  const redis = await RedisServer.start(t)
  const { default: Redis } = await import('ioredis')
  const client = new Redis.default(redis.port, '127.0.0.1')
  t.after(() => client.disconnect())
  let seed = 3
  const random = (below: number) => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0) % below
  for (const [index, limit] of [
    sliding(7, 1000),
    sliding(100, 777),
    gcra(7, 1000),
    gcra(100, 777, 5),
    gcra(3, 60_000, 2),
  ].entries()) {
    // Another clock than the store's: the script is told the time.
    const text = limitScripts[limit.algorithm].text.replace(
      "redis.call('TIME')",
      '{tonumber(ARGV[5]), tonumber(ARGV[6])}',
    )
    const state = createLimitState()
    let now = 1_900_000_000_000
    for (let count = 0; count < 400; count++) {
      const cost = random(4)
      const answer = await client.eval(
        text,
        1,
        `k${index}`,
        limit.limit,
        limit.window,
        limit.burst,
        cost,
        Math.floor(now / 1000),
        (now % 1000) * 1000,
      )
      const { allowed, remaining, reset, retry } = take(state, limit, cost, now)
      assert.deepEqual(
        answer,
        [allowed ? 1 : 0, remaining, Math.ceil(reset), retry],
        `${limit.algorithm} ${count}`,
      )
      // Keys go by themselves, by the store's clock: what is reckoned here must not be gone.
      await client.persist(`k${index}`)
      now += random(Math.floor(limit.window / 3))
    }
  }
})

for (const limit of [sliding(50), gcra(50)]) {
  test(`${limit.algorithm}: many askers at once get exactly the limit`, { skip }, async (t) => {
    const redis = await RedisServer.start(t)
    const stores = await Promise.all([1, 2, 3].map(() => openStore(t, urlOf(redis))))
    const decisions = await Promise.all(
      Array.from({ length: 120 }, async (_, index) => stores[index % 3]?.take('key', limit, 1)),
    )
    const allowed = decisions.filter((decision) => decision?.allowed)
    assert.equal(allowed.length, 50)
    assert.deepEqual(
      allowed.map((decision) => decision?.remaining).sort((a = 0, b = 0) => a - b),
      Array.from({ length: 50 }, (_, index) => index),
    )
    const retry = decisions.find((decision) => decision?.allowed === false)?.retry ?? 0
    assert.ok(retry > 0 && retry <= 2 * hour)
    const [key = ''] = redis.cli('keys', '*').split('\n')
    assert.equal(key, 'test:{key}')
    const ttl = Number(redis.cli('pttl', key))
    assert.ok(ttl > 0 && ttl <= 2 * hour, 'it goes by itself')
  })
}

test('scripts that are flushed are sent again, and nothing is lost', { skip }, async (t) => {
  const redis = await RedisServer.start(t)
  const decider = await openDecider(t, urlOf(redis))
  const sources = new Set<string>()
  let allowed = 0
  for (let round = 0; round < 6; round++) {
    const asked = Array.from({ length: 20 }, () => decide(decider, 'key', sliding(100)))
    if (round % 2 === 0) redis.cli('script', 'flush')
    for (const decision of await Promise.all(asked)) {
      sources.add(decision.source)
      if (decision.allowed) allowed++
    }
  }
  assert.deepEqual([[...sources], allowed], [['shared'], 100])
})

/** Asks until the condition holds, and tells the sources of all that was said meanwhile. */
async function askUntil(
  decider: Decider,
  wanted: (decision: SourcedDecision) => boolean,
  what: string,
  key = 'key',
) {
  const sources = new Map<string, number>()
  await until(
    async () => {
      const decision = await decider.decide(key, sliding(1_000_000), 1)
      sources.set(decision.source, (sources.get(decision.source) ?? 0) + 1)
      return wanted(decision)
    },
    what,
    15_000,
  )
  return sources
}

test('a store that is killed, started again, stopped or never there stalls nobody', { skip }, async (t) => {
  const redis = await RedisServer.start(t)
  const decider = await openDecider(t, urlOf(redis), { timeout: 150, replicas: 4 })
  const shared = (decision: SourcedDecision) => decision.source === 'shared'
  await askUntil(decider, shared, 'the store decides')
  await redis.kill()
  await askUntil(decider, ({ source }) => source === 'local', 'it is done without')
  // Its share of the limit, and no more.
  const alone = await Promise.all(Array.from({ length: 20 }, () => decide(decider, 'fresh', sliding(40))))
  assert.deepEqual(
    [alone.filter(({ allowed }) => allowed).length, new Set(alone.map(({ source }) => source)).size],
    [10, 1],
  )
  await redis.restart()
  await askUntil(decider, shared, 'the store decides again')
  assert.equal(decider.trouble, undefined)
  redis.signal('SIGSTOP')
  const before = performance.now()
  const slow = await Promise.all(Array.from({ length: 10 }, () => decide(decider, 'slow', sliding(40))))
  assert.deepEqual(new Set(slow.map(({ source }) => source)), new Set(['local']))
  assert.match(decider.trouble ?? '', /no answer within 150 ms/)
  // The breaker is open: nobody waits even for so long. A turn of the loop is all.
  const next = await Promise.race([decider.decide('slow', sliding(40), 1), Promise.resolve('later')])
  assert.notEqual(next, 'later')
  assert.ok(performance.now() - before < 10_000)
  redis.signal('SIGCONT')
  await askUntil(decider, shared, 'the store decides again')
})

test('without a store the policy decides at once, also one that was never there', { skip }, async (t) => {
  for (const [fallback, allowed, source] of [
    ['open', true, 'none'],
    ['closed', false, 'none'],
    ['local', true, 'local'],
  ] as const) {
    const decider = await openDecider(t, { url: 'redis://127.0.0.1:1' }, { fallback })
    const decision = await decider.decide('key', sliding(5), 1)
    assert.deepEqual([decision.allowed, decision.source], [allowed, source])
    assert.equal(decider.isShared, false)
  }
})

test('who is refused costs no further call, until it is worth one', { skip }, async (t) => {
  const redis = await RedisServer.start(t)
  const store = await openStore(t, urlOf(redis))
  const decider = new Decider({
    store,
    local: new MemoryStore(10),
    fallback: 'local',
    replicas: 1,
    timeout: 2000,
    rememberedRefusals: 10,
    logger: silentLogger,
  })
  t.after(() => decider.close())
  const limit = gcra(10, 5000, 2)
  for (const expected of [true, true, false])
    assert.equal((await decider.decide('key', limit, 1)).allowed, expected)
  const calls = () => Number(/cmdstat_evalsha:calls=(\d+)/.exec(redis.cli('info', 'commandstats'))?.[1])
  const before = calls()
  for (let count = 0; count < 50; count++) {
    const { allowed, retry, source } = await decider.decide('key', limit, 1)
    assert.deepEqual([allowed, retry > 0, source], [false, true, 'shared'])
  }
  assert.equal(calls(), before)
  assert.equal((await decider.decide('key', limit, 0)).allowed, true, 'less than was refused is asked for')
  await until(async () => (await decider.decide('key', limit, 1)).allowed, 'it passes when its time has come')
})

test('TLS, a password and a database', { skip: skip || skipWithoutOpenssl }, async (t) => {
  const [plain] = [await RedisServer.start(t)]
  certificates(plain.dir)
  await plain.kill()
  const server = await RedisServer.start(t, {
    config: [
      'port 0',
      `tls-port ${plain.port}`,
      `tls-cert-file ${plain.dir}/server.pem`,
      `tls-key-file ${plain.dir}/server.key`,
      `tls-ca-cert-file ${plain.dir}/ca.pem`,
      'requirepass secret',
    ],
    port: plain.port,
  })
  const files = { ca: 'ca.pem', cert: 'client.pem', key: 'client.key' }
  const url = `rediss://127.0.0.1:${server.port}`
  const store = await openStore(t, { url, password: 'secret', db: 2, tls: files }, plain.dir)
  assert.equal((await store.take('key', sliding(5), 1)).remaining, 4)
  const wrong = await openStore(t, { url, password: 'wrong', tls: files }, plain.dir)
  await assert.rejects(wrong.take('key', sliding(5), 1))
  const stranger = await openStore(t, { url, password: 'secret', tls: true }, join(plain.dir))
  await assert.rejects(stranger.take('key', sliding(5), 1))
})

test('a cluster of six goes on when a node is killed', { skip, timeout: 60_000 }, async (t) => {
  const nodes = await startRedisCluster(t)
  const decider = await openDecider(
    t,
    { cluster: nodes.slice(0, 2).map(({ port }) => `127.0.0.1:${port}`) },
    { timeout: 500 },
  )
  const keys = Array.from({ length: 30 }, (_, index) => `key${index}`)
  const limit = sliding(3)
  const round = (each: string) => Promise.all([1, 2, 3, 4].map(() => decide(decider, each, limit)))
  const all = await Promise.all(keys.map(round))
  assert.ok(all.flat().every(({ source }) => source === 'shared'))
  assert.ok(
    all.every((four) => four.filter(({ allowed }) => allowed).length === 3),
    'exactly the limit, whatever the slot',
  )
  await nodes[0]?.kill()
  // Everybody is answered meanwhile, by the store or by this process.
  let answers = 0
  const isWell = async () => {
    const decisions = await Promise.all(keys.map((key) => decide(decider, key, limit)))
    answers += decisions.length
    return decisions.every(({ source, allowed }) => source === 'shared' && !allowed)
  }
  await until(isWell, 'a replica has taken over, with the counts that it had', 25_000)
  assert.ok(answers > 0)
})

test('behind a sentinel the replica takes over', { skip, timeout: 60_000 }, async (t) => {
  const { master, replica, sentinel } = await startRedisSentinel(t)
  const decider = await openDecider(
    t,
    { sentinels: [`127.0.0.1:${sentinel.port}`], master: 'limits' },
    { timeout: 500 },
  )
  await askUntil(decider, ({ source }) => source === 'shared', 'the store decides')
  await until(() => replica.cli('keys', '*') !== '', 'the replica has it')
  await master.kill()
  const sources = await askUntil(decider, ({ source }) => source === 'local', 'it is done without')
  assert.ok((sources.get('local') ?? 0) > 0)
  await until(
    async () => (await decider.decide('key', sliding(1_000_000), 1)).source === 'shared',
    'the replica decides',
    25_000,
  )
  assert.match(replica.cli('info', 'replication'), /role:master/)
})
