/** Our engine and our agent, connected in memory. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPair } from 'sluice/testing'
import { until } from '../support/until.ts'

for (const profile of ['default', '2.6', '3.x'] as const) {
  test(`profile ${profile}: exchanges, a health check, and a reset`, async () => {
    const pair = createPair({}, { profile })
    pair.agent.message('double', { n: 'integer' }, ({ n }, actions) => {
      actions.setVar('txn', 'n', n * 2)
    })
    const ask = (n: number) => pair.engine.send({ messages: [{ name: 'double', args: [['n', n]] }] })
    const outcomes = await Promise.all(Array.from({ length: 100 }, (_, n) => ask(n)))
    for (const [n, { status, actions }] of outcomes.entries()) {
      assert.equal(status, 0)
      const [action] = actions
      assert.ok(action?.type === 'set-var' && action.value.type === 'int64')
      assert.equal(action.value.value, n * 2)
    }
    const report = await pair.engine.healthCheck(pair.engine.servers[0] ?? '')
    assert.equal(report.healthy, true)
    pair.agent.message('hang', () => new Promise(() => {}))
    const lost = pair.engine.send({ messages: [{ name: 'hang', args: [] }] })
    await until(() => pair.agent.stats.inFlight === 1)
    for (const connection of pair.connections) connection.resetAndDestroy()
    // Nobody has seen it: it leaves on another connection.
    const unsent = ask(1)
    assert.equal((await lost).status, 257)
    assert.equal((await unsent).status, 0)
    assert.equal((await ask(2)).status, 0)
    await pair.close()
    assert.equal(pair.agent.stats.connections.active, 0)
  })
}

test('long payloads go in fragments', async () => {
  const pair = createPair({}, { maxFrameSize: 256 })
  pair.agent.message('size', { text: 'string' }, ({ text }, actions) => {
    actions.setVar('txn', 'size', text.length)
  })
  const { actions } = await pair.engine.send({
    messages: [{ name: 'size', args: [['text', 'x'.repeat(10_000)]] }],
  })
  const [action] = actions
  assert.ok(action?.type === 'set-var' && action.value.type === 'int64')
  assert.equal(action.value.value, 10_000)
  assert.equal(pair.agent.stats.fragments.joined, 1)
  await pair.close()
})
