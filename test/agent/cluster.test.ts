import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createAgentCluster } from 'sluice/agent'
import { SpopClient } from '../support/spop-client.ts'

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function whoAnswers(port: number): Promise<number> {
  const client = await SpopClient.open({ type: 'tcp', host: '127.0.0.1', port })
  const actions = await client.notify({ name: 'who', args: [['ip', null]] })
  client.close()
  const action = actions[0]
  assert.ok(action?.type === 'set-var' && action.value.type === 'int64')
  return Number(action.value.value)
}

async function eventually(what: string, check: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (await check()) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  assert.fail(`did not happen: ${what}`)
}

test('a cluster answers from its workers, replaces one that dies, restarts and closes', async () => {
  const port = await freePort()
  process.env['SLUICE_TEST_LISTEN'] = `127.0.0.1:${port}`
  const module = fileURLToPath(new URL('./fixtures/cluster-agent.js', import.meta.url))
  const cluster = createAgentCluster(module, { workers: 2, restartDelay: 50, roundRobin: true })
  try {
    await cluster.ready()
    const first = new Set(cluster.pids)
    assert.equal(first.size, 2)
    const answered = new Set<number>()
    for (let count = 0; count < 4; count++) answered.add(await whoAnswers(port))
    assert.deepEqual(answered, first)
    const stats = await cluster.stats()
    assert.equal(stats.messages.get('who')?.received, 4)
    assert.equal(stats.frames.acks, 4)

    const killer = await SpopClient.open({ type: 'tcp', host: '127.0.0.1', port })
    await assert.rejects(killer.notify({ name: 'die', args: [] }))
    await eventually(
      'a new worker',
      () => cluster.pids.length === 2 && cluster.pids.some((pid) => !first.has(pid)),
    )
    await cluster.ready()
    assert.ok(cluster.pids.includes(await whoAnswers(port)))

    const before = new Set(cluster.pids)
    await cluster.restart()
    assert.equal(cluster.pids.length, 2)
    assert.ok(cluster.pids.every((pid) => !before.has(pid)))
    assert.ok(cluster.pids.includes(await whoAnswers(port)))
  } finally {
    await cluster.close()
  }
  await assert.rejects(whoAnswers(port))
})
