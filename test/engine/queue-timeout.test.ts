/** `queueTimeout`: what waits too long for a connection is told so, and what has one is left alone. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createEngine, type EngineOptions } from 'sluice/engine'
import { until } from '../support/until.ts'
import { ack, startAgent, type RawFrame } from './scripted-agent.ts'

const check = [{ name: 'check', args: [] }]
type Hooks = Parameters<typeof startAgent>[0]

/** An agent with one connection that takes one NOTIFY at a time, and answers when it is told to. */
async function start(t: Hooks, options: Partial<EngineOptions>) {
  const waiting: (() => void)[] = []
  const agent = await startAgent(t, async (peer) => {
    await peer.greet('')
    peer.onFrame((frame: RawFrame) => {
      if (frame.type === 3) waiting.push(() => peer.send(ack(frame.ids)))
    })
  })
  const engine = createEngine({ servers: [agent.address], maxConnections: 1, ...options })
  t.after(() => engine.destroy())
  const answer = async () => {
    await until(() => waiting.length > 0)
    waiting.shift()?.()
  }
  return { engine, answer }
}

test('one that waits too long is status 1, and is never sent', async (t) => {
  const { engine, answer } = await start(t, { queueTimeout: 300 })
  const first = engine.send({ messages: check, timeout: 5000 })
  const second = await engine.send({ messages: check, timeout: 5000 })
  assert.equal(second.status, 1)
  assert.equal(second.error?.code, 'ERR_ENGINE_QUEUE_TIMEOUT')
  assert.ok(second.processTime >= 299 && second.processTime < 4000)
  assert.equal(second.queueTime, -1)
  await answer()
  // It had its connection in time, and as long for its answer as it was given.
  assert.equal((await first).status, 0)
  const { queued, exchanges, acks, inFlight } = engine.stats
  assert.deepEqual({ queued, exchanges, acks, inFlight }, { queued: 0, exchanges: 2, acks: 1, inFlight: 0 })
})

test('one that is sent in time has its own time from there on', async (t) => {
  const { engine, answer } = await start(t, { queueTimeout: 500 })
  const first = engine.send({ messages: check, timeout: 5000 })
  const second = engine.send({ messages: check, timeout: 5000 })
  await answer()
  assert.equal((await first).status, 0)
  await sleep(700)
  await answer()
  assert.equal((await second).status, 0)
})

test('its own time is over first when that is shorter', async (t) => {
  const { engine } = await start(t, { queueTimeout: 1000 })
  void engine.send({ messages: check, timeout: 100 })
  const second = await engine.send({ messages: check, timeout: 20 })
  assert.equal(second.error?.code, 'ERR_ENGINE_TIMEOUT')
})

test('an agent that is away is waited for no longer', async (t) => {
  const engine = createEngine({ servers: ['unix@/nowhere/agent.sock'], queueTimeout: 30 })
  t.after(() => engine.destroy())
  const outcome = await engine.send({ messages: check, timeout: 5000 })
  assert.equal(outcome.error?.code, 'ERR_ENGINE_QUEUE_TIMEOUT')
  assert.equal(engine.stats.queued, 0)
})

test('nothing of it outlives close()', async (t) => {
  const { engine, answer } = await start(t, { queueTimeout: 60_000 })
  const both = [engine.send({ messages: check }), engine.send({ messages: check })]
  const closed = engine.close()
  await answer()
  await answer()
  assert.deepEqual(
    (await Promise.all(both)).map(({ status }) => status),
    [0, 0],
  )
  await closed
})
