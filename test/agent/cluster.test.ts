import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createAgentCluster, type AgentCluster, type AgentClusterOptions } from 'sluice/agent'
import { freePorts } from '../support/ports.ts'
import { SpopClient } from '../support/spop-client.ts'
import { until } from '../support/until.ts'

async function whoAnswers(port: number): Promise<number> {
  const client = await SpopClient.open({ type: 'tcp', host: '127.0.0.1', port })
  const actions = await client.notify({ name: 'who', args: [['ip', null]] })
  client.close()
  const action = actions[0]
  assert.ok(action?.type === 'set-var' && action.value.type === 'int64')
  return Number(action.value.value)
}

const module = fileURLToPath(new URL('./fixtures/cluster-agent.js', import.meta.url))

/** Runs `work` with a cluster that listens on a port of its own. */
async function withCluster(
  options: AgentClusterOptions,
  work: (cluster: AgentCluster, port: number) => Promise<void>,
): Promise<void> {
  const [port = 0] = await freePorts(1)
  process.env['SLUICE_TEST_LISTEN'] = `127.0.0.1:${port}`
  const cluster = createAgentCluster(module, { restartDelay: 50, roundRobin: true, ...options })
  try {
    await work(cluster, port)
  } finally {
    delete process.env['SLUICE_TEST_BROKEN']
    await cluster.close()
  }
}

/** What a worker logs, for the tests to wait for. */
function newLog() {
  const lines: string[] = []
  const log = (_: object, line: string) => void lines.push(line)
  return { lines, logger: { debug: log, info: log, warn: log, error: log } }
}

test('a cluster answers from its workers, replaces one that dies, restarts and closes', async () => {
  let used = 0
  await withCluster({ workers: 2 }, async (cluster, port) => {
    used = port
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
    await until(
      () => cluster.pids.length === 2 && cluster.pids.some((pid) => !first.has(pid)),
      'a new worker',
    )
    await cluster.ready()
    assert.ok(cluster.pids.includes(await whoAnswers(port)))

    const before = new Set(cluster.pids)
    await cluster.restart()
    assert.equal(cluster.pids.length, 2)
    assert.ok(cluster.pids.every((pid) => !before.has(pid)))
    assert.ok(cluster.pids.includes(await whoAnswers(port)))
  })
  await assert.rejects(whoAnswers(used))
})

test('ready() resolves also for workers that have joined long ago', async () => {
  await withCluster({ workers: 1 }, async (cluster, port) => {
    const answers = () =>
      whoAnswers(port).then(
        () => true,
        () => false,
      )
    await until(answers, 'the worker listens')
    // Counters are answered behind the word that it has joined, on the same channel.
    await until(async () => (await cluster.stats()).messages.has('who'), 'the worker has joined')
    await cluster.ready()
    await cluster.ready()
  })
})

test('ready() waits for the replacement of a worker that has died', async () => {
  const { lines, logger } = newLog()
  await withCluster({ workers: 1, logger }, async (cluster, port) => {
    await cluster.ready()
    const [first = 0] = cluster.pids
    process.kill(first, 'SIGKILL')
    await until(() => lines.includes('worker died'), 'the death is noticed')
    await cluster.ready()
    const [second = 0] = cluster.pids
    assert.notEqual(second, first)
    assert.equal(await whoAnswers(port), second)
  })
})

test('ready() rejects when the module does not work, and waits for it when it is asked again', async () => {
  process.env['SLUICE_TEST_BROKEN'] = '1'
  await withCluster({ workers: 2 }, async (cluster) => {
    await assert.rejects(cluster.ready(), { code: 'ERR_AGENT_CLUSTER', message: /exited with 3 before/ })
    delete process.env['SLUICE_TEST_BROKEN']
    for (let tries = 0; cluster.pids.length < 2 && tries < 100; tries++) await cluster.ready().catch(() => {})
    await cluster.ready()
    assert.equal(cluster.pids.length, 2)
  })
})

test('ready() rejects when the cluster is closed', async () => {
  await withCluster({ workers: 1 }, async (cluster) => {
    const waiting = assert.rejects(cluster.ready(), { code: 'ERR_AGENT_CLUSTER' })
    await cluster.close()
    await waiting
    await assert.rejects(cluster.ready(), /the cluster is closed/)
    await assert.rejects(cluster.restart(), /the cluster is closed/)
  })
})

test('a restart whose new worker dies rejects, and leaves the old workers alone', async () => {
  const { lines, logger } = newLog()
  await withCluster({ workers: 2, logger }, async (cluster, port) => {
    await cluster.ready()
    const before = cluster.pids
    process.env['SLUICE_TEST_BROKEN'] = '1'
    await assert.rejects(cluster.restart(), { code: 'ERR_AGENT_CLUSTER' })
    delete process.env['SLUICE_TEST_BROKEN']
    assert.deepEqual(lines, ['new worker died before it joined'])
    // Longer than the delay of a replacement, if there were one.
    await new Promise((resolve) => setTimeout(resolve, 200))
    assert.deepEqual(cluster.pids, before)
    assert.ok(before.includes(await whoAnswers(port)))
    // Two at once follow each other: neither leaves a worker too many.
    await Promise.all([cluster.restart(), cluster.restart()])
    assert.equal(cluster.pids.length, 2)
    assert.ok(cluster.pids.every((pid) => !before.includes(pid)))
  })
})

test('a worker that dies while its successor starts is not replaced twice', async () => {
  const { lines, logger } = newLog()
  await withCluster({ workers: 1, restartDelay: 1, logger }, async (cluster) => {
    await cluster.ready()
    const [old = 0] = cluster.pids
    const restarted = cluster.restart()
    process.kill(old, 'SIGKILL')
    await restarted
    await cluster.ready()
    assert.deepEqual(lines, ['worker died'])
    await until(() => cluster.pids.length === 1 && cluster.pids[0] !== old, 'one worker')
  })
})

test('drain() and stats() leave a worker alone whose channel is closed; close() ends it', async () => {
  await withCluster({ workers: 1 }, async (cluster, port) => {
    await cluster.ready()
    const client = await SpopClient.open({ type: 'tcp', host: '127.0.0.1', port })
    await client.notify({ name: 'detach', args: [] })
    // Asking the channel itself: the primary is told of its end a little later. Gauges are of who answers.
    await until(async () => (await cluster.stats()).connections.active === 0, 'the channel closes')
    cluster.drain()
    assert.equal((await cluster.stats()).connections.active, 0)
    // A signal that was sent would have arrived before the third question.
    for (let count = 0; count < 3; count++) {
      assert.deepEqual(await client.notify({ name: 'signals', args: [] }), [
        { type: 'set-var', scope: 'txn', name: 'signals', value: { type: 'int64', value: 0 } },
      ])
    }
    await cluster.close()
    await client.closed
    assert.deepEqual(cluster.pids, [])
  })
})

test('counters stay when workers restart, close, hang and are killed; gauges go', async () => {
  await withCluster({ workers: 2 }, async (cluster, port) => {
    await cluster.ready()
    const seen = async () => {
      const { connections, frames, messages, inFlight } = await cluster.stats()
      const who = messages.get('who')
      return [
        frames.notifies,
        connections.accepted,
        who?.received,
        who?.latency.count,
        connections.active,
        inFlight,
      ]
    }
    for (let count = 0; count < 4; count++) await whoAnswers(port)
    // Nobody has asked yet: the workers hand in what they have counted when they close.
    await cluster.restart()
    assert.deepEqual(await seen(), [4, 4, 4, 4, 0, 0])

    const clients = [0, 1].map(() => SpopClient.open({ type: 'tcp', host: '127.0.0.1', port }))
    const open = await Promise.all(clients)
    for (const client of open) await client.notify({ name: 'who', args: [['ip', null]] })
    assert.deepEqual(await seen(), [6, 6, 6, 6, 2, 0])
    const [victim = 0, hung = 0] = cluster.pids
    process.kill(victim, 'SIGKILL')
    await until(() => !cluster.pids.includes(victim) && cluster.pids.length === 2, 'the replacement joins')
    await cluster.ready()
    assert.deepEqual(await seen(), [6, 6, 6, 6, 1, 0])

    process.kill(hung, 'SIGSTOP')
    assert.deepEqual(await seen(), [6, 6, 6, 6, 0, 0])
    process.kill(hung, 'SIGCONT')
    assert.deepEqual(await seen(), [6, 6, 6, 6, 1, 0])
    for (const client of open) client.close()
    await cluster.close()
    assert.deepEqual(await seen(), [6, 6, 6, 6, 0, 0])
  })
})

test('a module that is none is refused', () => {
  for (const given of [undefined, null, '', 5, {}, new URL('http://127.0.0.1/x.js')]) {
    assert.throws(() => createAgentCluster(given as string), {
      code: 'ERR_SLUICE_OPTION',
      message: /^createAgentCluster: the module must be a path or a file URL: /,
    })
  }
})

test('a logger that is none is refused', () => {
  // @ts-expect-error three methods are missing
  assert.throws(() => createAgentCluster(module, { logger: { info() {} } }), { code: 'ERR_SLUICE_OPTION' })
})

test('a worker that never joins is told of, each once, and one that joins in time is not', async () => {
  const { lines, logger } = newLog()
  const warned = () => lines.filter((line) => line.includes('joinCluster'))
  try {
    process.env['SLUICE_TEST_LONELY'] = '1'
    // Who has not joined is not told to close, and these do not mind SIGTERM.
    await withCluster({ workers: 2, joinTimeout: 200, closeTimeout: 300, logger }, async () => {
      await until(() => warned().length === 2, 'both are told of')
      await new Promise((resolve) => setTimeout(resolve, 500))
      const line = 'worker has not called joinCluster(agent) within 200 ms: call it once the agent listens'
      assert.deepEqual(warned(), [line, line])
    })
  } finally {
    delete process.env['SLUICE_TEST_LONELY']
  }
  lines.length = 0
  await withCluster({ workers: 1, joinTimeout: 5000, logger }, async (cluster) => cluster.ready())
  assert.deepEqual(warned(), [])
})

test('a status port of the cluster tells the sum of its workers, who is connected, and whether all listen', async () => {
  await withCluster({ workers: 2, logger: false }, async (cluster, port) => {
    const status = await cluster.serveStatus('127.0.0.1:0', { name: 'both' })
    const ask = async (path: string) => fetch(new URL(path, status.url))
    await cluster.ready()
    for (let count = 0; count < 6; count++) await whoAnswers(port)
    const client = await SpopClient.open({ type: 'tcp', host: '127.0.0.1', port }, { engineId: 'engine-1' })
    interface Told {
      readonly rows: { name: string; received: number }[]
      readonly connections: { engine: string; connections: number }[]
      readonly subject: { addresses: string[] }
    }
    let told: Told | undefined
    await until(async () => {
      told = (await (await ask('stats.json')).json()) as Told
      const who = told.rows.find(({ name }) => name === 'who')
      return who?.received === 6 && told.connections.some(({ engine }) => engine === 'engine-1')
    }, 'the page tells of all workers')
    assert.deepEqual(told?.subject.addresses, [`127.0.0.1:${port}`])
    assert.match(await (await ask('metrics')).text(), /^sluice_agent_messages_total\{message="who"\} 6$/m)
    const ready = await ask('readyz')
    assert.equal(ready.status, 200)
    assert.match(await ready.text(), /^\[\+\] workers$/m)
    client.close()
    cluster.drain()
    assert.equal((await ask('readyz')).status, 503)
    const wrong = { verdict: 'x' } as object
    await assert.rejects(cluster.serveStatus(':0', wrong), {
      code: 'ERR_SLUICE_OPTION',
      message: /option 'verdict' is for an agent, not for a cluster/,
    })
    await cluster.close()
    await assert.rejects(ask('healthz'))
    await assert.rejects(cluster.serveStatus(':0'), { code: 'ERR_SLUICE_CLOSED' })
  })
})
