import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { createAgent, createOffload } from 'sluice/agent'
import { SpopClient } from '../support/spop-client.ts'

const module = new URL('./fixtures/offload-module.js', import.meta.url)
const offload = createOffload(module, { threads: 1, maxQueue: 2, threadTimeout: 1000 })
const agent = createAgent({ deadline: 5000 })
for (const name of ['spin', 'fail', 'fill', 'missing']) agent.message(name, offload.handler)
agent.message('fast', (_message, actions) => void actions.setVar('txn', 'fast', true))
const client = await SpopClient.open(await agent.listen('127.0.0.1:0'))

after(async () => {
  client.close()
  await agent.close()
  await offload.close()
})

const spin = (ms: number) => client.notify({ name: 'spin', args: [['ms', ms]] })

test('a worker thread answers while the event loop goes on', async () => {
  const slow = spin(300)
  const fast = await client.notify({ name: 'fast', args: [] })
  assert.equal(fast.length, 1)
  assert.deepEqual(await slow, [
    { type: 'set-var', scope: 'txn', name: 'spun', value: { type: 'int64', value: 300 } },
  ])
})

test('a handler that throws, and a name that the module lacks, are answered by the fallback', async () => {
  assert.deepEqual(await client.notify({ name: 'fail', args: [] }), [])
  assert.deepEqual(await client.notify({ name: 'missing', args: [] }), [])
  assert.equal(agent.stats.errors['ERR_AGENT_OFFLOAD'], 2)
})

test('wrong arguments are reported from the thread', async () => {
  assert.deepEqual(await client.notify({ name: 'spin', args: [['ms', 'text']] }), [])
})

test('actions that do not fit a frame are left out', async () => {
  const actions = await client.notify({ name: 'fill', args: [] })
  assert.ok(actions.length > 10 && actions.length < 17, String(actions.length))
})

test('a full queue fails at once', async () => {
  const before = agent.stats.errors['ERR_AGENT_OVERLOAD'] ?? 0
  const results = await Promise.all([spin(50), spin(50), spin(50), spin(50), spin(50)])
  assert.equal(results.filter((actions) => actions.length === 1).length, 3)
  assert.equal((agent.stats.errors['ERR_AGENT_OVERLOAD'] ?? 0) - before, 2)
})

test('a thread that hangs is replaced, and the next message is answered', async () => {
  assert.deepEqual(await spin(60_000), [])
  assert.equal((await spin(1)).length, 1)
})
