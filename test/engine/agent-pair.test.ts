import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { formatEndpoint, IpAddress } from 'sluice'
import { createAgent, type Agent } from 'sluice/agent'
import { createEngine, type Value } from 'sluice/engine'
import { until } from '../support/until.ts'

async function startEcho(t: { after(hook: () => Promise<void>): void }, where = '127.0.0.1:0') {
  const agent: Agent = createAgent()
  agent.message('echo', (message, actions) => {
    for (const [name, value] of message.args) actions.setVar('txn', name, value)
  })
  agent.message('slow', async () => {
    await sleep(50)
  })
  t.after(() => agent.close())
  return { agent, address: formatEndpoint(await agent.listen(where)) }
}

test('every type goes to our agent and comes back, in each profile', async (t) => {
  const { address } = await startEcho(t)
  const args: [string, Value][] = [
    ['null', null],
    ['true', true],
    ['int32', { type: 'int32', value: -5 }],
    ['uint64', { type: 'uint64', value: 2n ** 64n - 1n }],
    ['number', 264_431],
    ['ipv4', IpAddress.fromUint32(0x7f000001)],
    ['text', 'größer'],
    ['binary', Buffer.from([0, 255])],
  ]
  for (const profile of ['default', '2.6', '3.x'] as const) {
    await using engine = createEngine({ servers: [address], profile })
    const { status, actions } = await engine.send({ messages: [{ name: 'echo', args }] })
    assert.equal(status, 0)
    const got = actions.map((action) => [
      action.name,
      action.type === 'set-var' ? action.value.type : action.type,
      action.type === 'set-var' && 'value' in action.value ? String(action.value.value) : '',
    ])
    assert.deepEqual(got, [
      ['null', 'null', ''],
      ['true', 'boolean', 'true'],
      ['int32', 'int32', '-5'],
      ['uint64', 'uint64', String(2n ** 64n - 1n)],
      ['number', 'int64', '264431'],
      ['ipv4', 'ipv4', '127.0.0.1'],
      ['text', 'string', 'größer'],
      ['binary', 'binary', Buffer.from([0, 255]).toString()],
    ])
  }
})

test('a payload over the frame size goes to our agent in fragments', async (t) => {
  const { address } = await startEcho(t)
  await using engine = createEngine({ servers: [address], maxFrameSize: 512 })
  const args = [...Array.from({ length: 8 }, () => ['', 'x'.repeat(300)] as const), ['done', true] as const]
  const { status } = await engine.send({ messages: [{ name: 'slow', args }] })
  assert.equal(status, 0)
})

test('what is more than a buffer holds leaves whole and in order, turn after turn', async (t) => {
  const agent = createAgent({ maxFrameSize: 300_000, logger: false })
  const came: number[] = []
  agent.message('body', { body: 'binary' }, ({ body }, actions) => {
    came.push(body[0] ?? -1)
    actions.setVar('txn', 'whole', body.equals(Buffer.alloc(body.length, body[0])))
  })
  t.after(() => agent.close())
  const address = formatEndpoint(await agent.listen('127.0.0.1:0'))
  for (const server of [agent, address]) {
    await using engine = createEngine({ servers: [server], maxConnections: 1, maxFrameSize: 300_000 })
    for (let turn = 0; turn < 3; turn++) {
      came.length = 0
      const ask = (at: number) => {
        const size = at % 2 === 0 ? 200_000 : 100
        const messages = [{ name: 'body', args: [['body', Buffer.alloc(size, at)] as const] }]
        return engine.send({ messages, timeout: 60_000 })
      }
      const numbers = Array.from({ length: 20 }, (_, at) => at)
      const outcomes = await Promise.all(numbers.map(ask))
      assert.deepEqual(came, numbers)
      for (const { variables } of outcomes)
        assert.deepEqual(variables.txn.get('whole'), { type: 'boolean', value: true })
    }
  }
})

test('our agent is healthy, drains without a failed exchange, and is found again on its port', async (t) => {
  const { agent, address } = await startEcho(t)
  await using engine = createEngine({ servers: [address], whenDown: 'fail' })
  const report = await engine.healthCheck(address)
  assert.deepEqual([report.healthy, report.maxFrameSize], [true, 16_380])
  const outcomes = Array.from({ length: 20 }, () => engine.send({ messages: [{ name: 'slow', args: [] }] }))
  await until(() => engine.stats.inFlight >= 20)
  const closed = agent.close()
  assert.ok((await Promise.all(outcomes)).every(({ status }) => status === 0))
  await closed
  assert.equal((await engine.send({ messages: [{ name: 'echo', args: [] }] })).status, 257)
  await startEcho(t, address)
  let status = 257
  await until(async () => {
    ;({ status } = await engine.send({ messages: [{ name: 'echo', args: [] }] }))
    return status !== 257
  })
  assert.equal(status, 0)
})

test('an agent of the same process is asked without a socket', async (t) => {
  const { agent } = await startEcho(t)
  const other = createAgent()
  t.after(() => other.close())
  other.message('echo', {}, (_args, actions) => void actions.setVar('txn', 'from', 'other'))
  await using engine = createEngine({ servers: [agent, { address: other, weight: 1 }] })
  assert.deepEqual(
    engine.servers.map((name) => /^inproc@\d+$/.test(name)),
    [true, true],
  )
  const text = 'größer'.repeat(5000) // several fragments, each of them many chunks
  const args = [['text', text] as const, ['bytes', Buffer.from([0, 255])] as const]
  // Whoever is connected first gets what waits; turns are taken when both are.
  await until(async () => {
    await engine.send({ messages: [{ name: 'echo', args: [] }] })
    return other.stats.frames.notifies > 0
  })
  const outcomes = await Promise.all(
    Array.from({ length: 200 }, () => engine.send({ messages: [{ name: 'echo', args: args.slice(1) }] })),
  )
  assert.ok(outcomes.every(({ status }) => status === 0))
  const names = outcomes.map(({ variables }) => [...variables.txn.keys()].join())
  assert.deepEqual(
    [...new Set(names)].sort().map((name) => [name, names.filter((each) => each === name).length]),
    [
      ['bytes', 100],
      ['from', 100],
    ],
  )
  const long = await Promise.all([
    engine.send({ messages: [{ name: 'slow', args: [['text', text]] }] }),
    engine.send({ messages: [{ name: 'slow', args: [['text', text]] }] }),
  ])
  assert.deepEqual(
    long.map(({ status }) => status),
    [0, 0],
  )
  const report = await engine.healthCheck(engine.servers[0] ?? '')
  assert.equal(report.healthy, true)
})

test('what a handler keeps of an agent of the same process is not written over', async (t) => {
  const { agent } = await startEcho(t)
  agent.message('late', async (message, actions, context) => {
    await sleep(5)
    // Decoded only now, from what came.
    const value = context.message.get('number')
    actions.setVar('txn', 'number', value ?? null)
    assert.equal(message.name, 'late')
  })
  await using engine = createEngine({ servers: [agent] })
  const kept: { bytes: Buffer; text: string }[] = []
  for (let round = 0; round < 20; round++) {
    const numbers = Array.from({ length: 50 }, (_, at) => round * 50 + at)
    const outcomes = await Promise.all(
      numbers.map((number) =>
        engine.send({ messages: [{ name: 'late', args: [['number', `n${number}`]] }] }),
      ),
    )
    for (const [at, { variables }] of outcomes.entries()) {
      const value = variables.txn.get('number')
      assert.ok(value?.type === 'string')
      assert.equal(value.value, `n${numbers[at]}`)
      kept.push({ bytes: value.bytes, text: value.value })
    }
  }
  assert.ok(kept.every(({ bytes, text }) => bytes.toString() === text))
})

test('a handler may ask its own engine, and close everything', async () => {
  const agent = createAgent({ closeTimeout: 100 })
  const engine = createEngine({ servers: [agent] })
  agent.message('outer', {}, async (_args, actions) => {
    const { status } = await engine.send({ messages: [{ name: 'inner', args: [] }] })
    actions.setVar('txn', 'inner', status)
  })
  let asked = 0
  agent.message('inner', {}, () => void asked++)
  const outer = await engine.send({ messages: [{ name: 'outer', args: [] }] })
  assert.deepEqual([outer.variables.txn.get('inner'), asked], [{ type: 'int64', value: 0 }, 1])
  agent.message('end', {}, () => {
    engine.destroy()
    agent.destroy()
  })
  const end = await engine.send({ messages: [{ name: 'end', args: [] }] })
  assert.equal(end.status, 5)
})

test('an agent of the same process that answers our goodbye has done nothing wrong', async (t) => {
  const { agent } = await startEcho(t)
  for (const profile of ['default', '2.6', '3.x'] as const) {
    const faults: string[] = []
    const engine = createEngine({
      servers: [agent],
      profile,
      onAgentFault: ({ error }) => faults.push(error.code),
    })
    assert.equal((await engine.send({ messages: [{ name: 'echo', args: [] }] })).status, 0)
    await engine.close()
    assert.deepEqual(faults, [], profile)
  }
})
