import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createAgent } from 'sluice/agent'
import { notPromised } from '#src/base/promise.js'

test('an answer that must be there at once is no promise, and one that rejects ends nobody', async () => {
  assert.equal(notPromised('it', false), false)
  assert.equal(notPromised('it', undefined), undefined)
  assert.throws(() => notPromised('it', Promise.reject(new Error('planted'))), /it has answered a promise/)
  await turn()
})

test('an agent whose ready() is async is not ready, whatever becomes of it, and says why', async () => {
  for (const promised of [async () => true, async () => Promise.reject(new Error('planted'))]) {
    const told: unknown[] = []
    const error = (fields: { err?: Error }, words: string) =>
      void told.push(`${words}: ${fields.err?.message}`)
    const logger = { debug() {}, info() {}, warn() {}, error }
    const agent = createAgent({ ready: promised as unknown as () => boolean, logger })
    assert.equal(agent.ready, false)
    assert.match(String(told[0]), /not ready: ready\(\) has answered a promise, and must answer at once/)
    agent.status.check('store', promised as unknown as () => boolean)
    agent.status.source('list', promised as never)
    assert.match(agent.status.readChecks()[0]?.detail ?? '', /has answered a promise/)
    assert.match(String(agent.status.readSources()[0]?.fields['detail']), /has answered a promise/)
    await turn()
  }
})
