import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAgent } from 'sluice/agent'
import { createEngine } from 'sluice/engine'

test('each of many messages finds its own handler, whatever the length of its name', async () => {
  const agent = createAgent({ logger: false })
  const names = Array.from({ length: 300 }, (_, at) => `${'m'.repeat(at % 3)}-${at}`).concat('é-1', 'è-1')
  for (const name of names) agent.message(name, {}, (_, actions) => actions.setVar('txn', 'name', name))
  await using engine = createEngine({ servers: [agent] })
  for (const name of names) {
    const { variables } = await engine.send({ messages: [{ name, args: [] }] })
    const value = variables.txn.get('name')
    assert.equal(value?.type === 'string' ? value.value.toString() : undefined, name)
  }
  const { variables } = await engine.send({ messages: [{ name: 'm-300', args: [] }] })
  assert.equal(variables.txn.size, 0)
  await agent.close()
})
