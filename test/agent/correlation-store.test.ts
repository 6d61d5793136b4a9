/** Values that wait for their response, and responses that wait for their value. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { getEventListeners } from 'node:events'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { CorrelationStore } from 'sluice/agent'
import { CorrelationStore as Internal } from '#src/agent/correlation-store.js'
import { until } from '../support/until.ts'

function clocked(options: ConstructorParameters<typeof Internal>[0] = {}) {
  let now = 1000
  const store = new Internal<string>(options, () => now)
  return { store, pass: (milliseconds: number) => (now += milliseconds) }
}

describe('values', () => {
  it('are there until they are taken, deleted or replaced', () => {
    const store = new CorrelationStore<number>()
    store.set('a', 1)
    assert.equal(store.get('a'), 1)
    store.set('a', 2)
    assert.equal(store.take('a'), 2)
    assert.equal(store.take('a'), undefined)
    store.set('__proto__', 3)
    assert.equal(store.get('__proto__'), 3)
    assert.equal(store.get('constructor'), undefined)
    assert.equal(store.delete('__proto__'), true)
    assert.equal(store.delete('__proto__'), false)
    assert.deepEqual(store.stats, { size: 0, waiting: 0, evicted: 0, expired: 0, missed: 0 })
  })

  it('expire, each in its time, and setting again begins anew', () => {
    const { store, pass } = clocked({ ttl: 100 })
    store.set('a', '1')
    store.set('b', '1')
    pass(60)
    store.set('a', '2')
    pass(39)
    assert.equal(store.get('b'), '1')
    pass(1)
    assert.equal(store.get('b'), undefined)
    assert.equal(store.get('a'), '2')
    pass(60)
    store.set('c', '3')
    assert.deepEqual(store.stats, { size: 1, waiting: 0, evicted: 0, expired: 2, missed: 0 })
  })

  it('are bounded: the oldest goes, and is counted', () => {
    const { store } = clocked({ maxEntries: 3 })
    for (const key of ['a', 'b', 'c']) store.set(key, key)
    store.set('a', 'again') // now b is the oldest
    store.set('d', 'd')
    assert.deepEqual(
      ['a', 'b', 'c', 'd'].map((key) => store.get(key)),
      ['again', undefined, 'c', 'd'],
    )
    for (let n = 0; n < 1000; n++) store.set(`n${n}`, '')
    assert.equal(store.stats.size, 3)
    assert.equal(store.stats.evicted, 1001)
  })

  it('that have expired go before one that has not', () => {
    const { store, pass } = clocked({ maxEntries: 2, ttl: 10 })
    store.set('a', 'a')
    pass(20)
    store.set('b', 'b')
    store.set('c', 'c')
    assert.deepEqual(store.stats, { size: 2, waiting: 0, evicted: 0, expired: 1, missed: 0 })
  })
})

describe('wait()', () => {
  it('has a value that is there, and takes it', async () => {
    const store = new CorrelationStore<number>()
    store.set('a', 1)
    assert.equal(await store.wait('a', 1000), 1)
    assert.equal(store.get('a'), undefined)
  })

  it('has a value that comes later; all who wait have it, and it is not kept', async () => {
    const store = new CorrelationStore<number>()
    const waits = [store.wait('a', 5000), store.wait('a', 5000), store.wait('b', 5000)]
    assert.equal(store.stats.waiting, 3)
    store.set('a', 1)
    assert.deepEqual(await Promise.all(waits.slice(0, 2)), [1, 1])
    assert.deepEqual(store.stats, { size: 0, waiting: 1, evicted: 0, expired: 0, missed: 0 })
    store.clear()
    assert.equal(await waits[2], undefined)
  })

  it('ends without a value in time, never early', async () => {
    const store = new CorrelationStore<number>()
    const since = performance.now()
    assert.equal(await store.wait('a', 50), undefined)
    assert.ok(performance.now() - since >= 50)
    assert.equal(await store.wait('a', 0), undefined)
    assert.deepEqual(store.stats, { size: 0, waiting: 0, evicted: 0, expired: 0, missed: 2 })
  })

  it('ends with its signal, and leaves no listener behind', async () => {
    const store = new CorrelationStore<number>()
    const controller = new AbortController()
    const waiting = store.wait('a', 5000, controller.signal)
    controller.abort()
    assert.equal(await waiting, undefined)
    assert.equal(await store.wait('a', 5000, controller.signal), undefined)
    const other = new AbortController()
    const served = store.wait('a', 5000, other.signal)
    store.set('a', 1)
    assert.equal(await served, 1)
    other.abort()
    assert.deepEqual(store.stats, { size: 0, waiting: 0, evicted: 0, expired: 0, missed: 2 })
  })

  it('is one of many that end with one signal, which has one listener for all', async () => {
    const store = new CorrelationStore<number>()
    const controller = new AbortController()
    const waits = Array.from({ length: 30 }, () => store.wait('a', 5000, controller.signal))
    // Node.js warns of a leak from the eleventh on.
    assert.equal(getEventListeners(controller.signal, 'abort').length, 1)
    controller.abort()
    assert.ok((await Promise.all(waits)).every((value) => value === undefined))
  })

  it('keeps the process alive until it ends, and values alone do not', () => {
    const script = `
      import { CorrelationStore } from 'sluice/agent'
      const store = new CorrelationStore()
      store.set('kept', 1)
      console.log(await store.wait('a', 10), await store.wait('a', 10))
      void store.wait('b', 60_000)
      store.set('b', 1)
      void store.wait('c', 60_000)
      store.clear()
      store.set('kept', 1)`
    const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
      timeout: 20_000,
    })
    assert.deepEqual([run.status, run.stdout, run.stderr], [0, 'undefined undefined\n', ''])
  })

  it('rejects a timeout that is none', async () => {
    const store = new CorrelationStore<number>()
    store.set('a', 1)
    for (const timeout of [undefined, null, 'x', '10', Number.NaN, -1, 5n]) {
      await assert.rejects(store.wait('a', timeout as number), {
        code: 'ERR_SLUICE_OPTION',
        message: /^wait: the timeout must be a number of milliseconds from 0, not /,
      })
    }
    assert.deepEqual(store.stats, { size: 1, waiting: 0, evicted: 0, expired: 0, missed: 0 })
  })

  it('is bounded', async () => {
    const store = new CorrelationStore<number>({ maxWaiting: 2 })
    const waits = [store.wait('a', 5000), store.wait('b', 5000)]
    assert.equal(await store.wait('c', 5000), undefined)
    store.set('b', 2)
    assert.equal(await waits[1], 2)
    store.clear()
    assert.equal(await waits[0], undefined)
  })
})

it('old values go by themselves, and an empty store does nothing', async () => {
  const store = new CorrelationStore<number>({ ttl: 10 })
  for (let n = 0; n < 100; n++) store.set(`${n}`, n)
  await until(() => store.stats.size === 0)
  assert.equal(store.stats.expired, 100)
  await sleep(30)
  assert.deepEqual(process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length <= 1, true)
})

it('wrong options are refused', () => {
  assert.throws(() => new CorrelationStore({ ttl: 0 }), { code: 'ERR_SLUICE_OPTION' })
  assert.throws(() => new CorrelationStore({ maxEntries: 0 }), { code: 'ERR_SLUICE_OPTION' })
  assert.throws(() => new CorrelationStore({ size: 1 } as object), { code: 'ERR_SLUICE_OPTION' })
})
