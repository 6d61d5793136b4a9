import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UsageError } from 'sluice'
import { createEngine, ErrorStatus, type EngineOptions, type Outcome } from 'sluice/engine'
import { until } from '../support/until.ts'
import { ack, agentHello, answering, setVar, startAgent } from './scripted-agent.ts'

const check = [{ name: 'check', args: [] }]

test('an exchange gives the actions of its ACK', async (t) => {
  const agent = await startAgent(t, answering)
  await using engine = createEngine({ servers: [agent.address] })
  const outcome = await engine.send({ messages: [{ name: 'check', args: [['ip', '192.0.2.1']] }] })
  assert.equal(outcome.status, 0)
  assert.equal(outcome.error, undefined)
  assert.deepEqual(outcome.actions, [
    { type: 'set-var', scope: 'txn', name: 'a', value: { type: 'int32', value: 7 } },
  ])
  assert.ok(outcome.processTime >= outcome.queueTime && outcome.waitTime >= 0 && outcome.queueTime >= 0)
})

test('the NOTIFY on the wire is what the specification says', async (t) => {
  const agent = await startAgent(t, async (peer) => {
    await peer.greet()
    const notify = await peer.frame()
    // NOTIFY, FIN, stream 1, frame 1, "check", one argument: "ip", STRING "192.0.2.1"
    const expected = '03 00000001 01 01 05 636865636b 01 02 6970 08 09 3139322e302e322e31'.replaceAll(' ', '')
    assert.equal(notify.hex, `0000001c${expected}`)
    peer.send(ack(notify.ids))
  })
  await using engine = createEngine({ servers: [agent.address] })
  const outcome = await engine.send({ messages: [{ name: 'check', args: [['ip', '192.0.2.1']] }] })
  assert.deepEqual([outcome.status, outcome.actions], [0, []])
})

test('all NOTIFYs of a turn leave in one write, behind a HELLO that travels alone', async (t) => {
  const agent = await startAgent(t, answering)
  await using engine = createEngine({ servers: [agent.address] })
  await engine.send({ messages: check })
  const peer = agent.peers[0]
  assert.ok(peer)
  assert.equal(peer.chunks.length, 2)
  assert.equal(peer.chunks[0]?.[4], 1)
  const more = Array.from({ length: 20 }, () => engine.send({ messages: check }))
  await Promise.all(more)
  assert.equal(peer.chunks.length, 3)
  assert.equal(agent.peers.length, 1)
})

test('the callback variant calls once, and never before it returns', async (t) => {
  const agent = await startAgent(t, answering)
  await using engine = createEngine({ servers: [agent.address], maxQueue: 0 })
  let returned = false
  const outcome = await new Promise<Outcome>((resolve) => {
    engine.exchange(check, 1000, (result) => {
      assert.ok(returned)
      resolve(result)
    })
    returned = true
  })
  // Nothing is connected and nothing may wait.
  assert.equal(outcome.status, ErrorStatus.Resource)
  assert.equal(outcome.error?.code, 'ERR_ENGINE_QUEUE_FULL')
})

test('the bytes that may wait are bounded too', async (t) => {
  const agent = await startAgent(t, answering)
  await using engine = createEngine({ servers: [agent.address], maxQueueSize: 100 })
  const big = [{ name: 'check', args: [['a', 'x'.repeat(80)]] }] as const
  const outcomes = await Promise.all([engine.send({ messages: big }), engine.send({ messages: big })])
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    [0, ErrorStatus.Resource],
  )
})

test('what a callback throws does not disturb the other exchanges', async (t) => {
  const agent = await startAgent(t, answering)
  await using engine = createEngine({ servers: [agent.address] })
  await engine.send({ messages: check })
  const thrown = new Promise<Error>((resolve) => process.setUncaughtExceptionCaptureCallback(resolve))
  t.after(() => process.setUncaughtExceptionCaptureCallback(null))
  const mistake = new Error('a mistake in a callback')
  engine.exchange(check, 1000, () => {
    throw mistake
  })
  const outcomes = await Promise.all([engine.send({ messages: check }), engine.send({ messages: check })])
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    [0, 0],
  )
  assert.equal(await thrown, mistake)
})

test('the caller may change its messages as soon as the call has returned', async (t) => {
  const seen: string[] = []
  const agent = await startAgent(t, async (peer) => {
    await peer.greet()
    peer.onFrame((each) => {
      seen.push(each.payload.toString('latin1'))
      peer.send(ack(each.ids))
    })
  })
  await using engine = createEngine({ servers: [agent.address] })
  const message = { name: 'before', args: [] }
  const queued = engine.send({ messages: [message] })
  message.name = 'after'
  await queued
  assert.deepEqual(seen, ['\x06before\x00'])
})

test('misuse is an exception, and leaves the connection in order', async (t) => {
  const agent = await startAgent(t, answering)
  await using engine = createEngine({ servers: [agent.address] })
  const wrong = [{ name: 'check', args: [['a', 1.5]] }] as const
  await assert.rejects(engine.send({ messages: wrong }), { code: 'ERR_SPOP_VALUE', fault: 'local' })
  assert.equal((await engine.send({ messages: check })).status, 0)
  await assert.rejects(engine.send({ messages: wrong }), { code: 'ERR_SPOP_VALUE' })
  assert.throws(() => engine.exchange(wrong, 1000, () => assert.fail()), { code: 'ERR_SPOP_VALUE' })
  for (const timeout of [0, -1, NaN, 2 ** 31]) {
    assert.throws(() => engine.exchange(check, timeout, () => assert.fail()), { code: 'ERR_SLUICE_OPTION' })
  }
  assert.equal((await engine.send({ messages: check })).status, 0)
  assert.equal(agent.peers.length, 1)
})

test('an AbortSignal and cancel() interrupt, once', async (t) => {
  const agent = await startAgent(t, async (peer) => {
    await peer.greet()
  })
  await using engine = createEngine({ servers: [agent.address] })
  const reason = new Error('the client left')
  const controller = new AbortController()
  const queued = engine.send({ messages: check, signal: controller.signal })
  controller.abort(reason)
  const outcome = await queued
  assert.equal(outcome.status, ErrorStatus.Interrupted)
  assert.equal(outcome.error?.code, 'ERR_ENGINE_INTERRUPTED')
  assert.equal(outcome.error.cause, reason)
  const late = await engine.send({ messages: check, signal: controller.signal })
  assert.equal(late.status, ErrorStatus.Interrupted)
  const statuses: number[] = []
  const pending = engine.exchange(check, 1000, ({ status }) => statuses.push(status))
  pending.cancel()
  pending.cancel()
  assert.deepEqual(statuses, [5])
  assert.equal(engine.stats.queued, 0)
  engine.destroy()
})

test('a cancelled exchange that was sent keeps its slot until its ACK comes', async (t) => {
  const held: (() => void)[] = []
  const agent = await startAgent(t, async (peer) => {
    await peer.greet()
    peer.onFrame((each) => held.push(() => peer.send(ack(each.ids))))
  })
  await using engine = createEngine({ servers: [agent.address], maxWaitingFrames: 2, maxConnections: 1 })
  const controller = new AbortController()
  const first = engine.send({ messages: check, signal: controller.signal })
  const second = engine.send({ messages: check })
  await until(() => held.length >= 2)
  controller.abort()
  assert.equal((await first).status, 5)
  const third = engine.send({ messages: check })
  await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal(held.length, 2)
  held[0]?.()
  await until(() => held.length >= 3)
  held[1]?.()
  held[2]?.()
  assert.deepEqual([(await second).status, (await third).status], [0, 0])
  assert.equal(engine.stats.lateAcks, 1)
})

test('close() ends what is under way, then says goodbye', async (t) => {
  let release = () => {}
  const agent = await startAgent(t, async (peer) => {
    peer.mannered = false
    await peer.greet()
    const notify = await peer.frame()
    release = () => peer.send(ack(notify.ids))
    const goodbye = await peer.frame()
    assert.equal(goodbye.type, 2)
    assert.equal(
      goodbye.hex,
      '00000025020000000100000b7374617475732d636f6465030' + '0076d65737361676508066e6f726d616c',
    )
    peer.socket.end()
  })
  const engine = createEngine({ servers: [agent.address] })
  const outcome = engine.send({ messages: check })
  await until(() => agent.peers.length > 0 && engine.stats.inFlight > 0)
  const closed = engine.close()
  assert.equal(engine.close(), closed)
  assert.throws(() => engine.exchange(check, 1000, () => {}), { code: 'ERR_SLUICE_CLOSED' })
  await new Promise((resolve) => setTimeout(resolve, 10))
  release()
  assert.equal((await outcome).status, 0)
  await closed
  assert.equal(engine.stats.connections, 0)
})

test('close() waits no longer than closeTimeout for an agent that does not leave', async (t) => {
  const agent = await startAgent(t, answering.bind(undefined))
  const mute = await startAgent(t, async (peer) => {
    await peer.greet()
    peer.mannered = false
    peer.onFrame((each) => each.type === 3 && peer.send(ack(each.ids)))
  })
  const engine = createEngine({ servers: [agent.address, mute.address], closeTimeout: 30 })
  await Promise.all([engine.send({ messages: check }), engine.send({ messages: check })])
  await engine.close()
})

test('close() of an engine that was never used settles at once', async () => {
  await createEngine({ servers: ['127.0.0.1:1'] }).close()
})

test('destroy() interrupts everything', async (t) => {
  const agent = await startAgent(t, async (peer) => {
    await peer.greet()
  })
  const engine = createEngine({ servers: [agent.address], maxWaitingFrames: 1, maxConnections: 1 })
  const outcomes = Promise.all(Array.from({ length: 3 }, () => engine.send({ messages: check })))
  await until(() => engine.stats.inFlight > 0)
  const cause = new Error('the end')
  engine.destroy(cause)
  for (const { status, error } of await outcomes) {
    assert.equal(status, ErrorStatus.Interrupted)
    assert.equal(error?.cause, cause)
  }
  await engine.close()
  assert.equal(engine.stats.connections, 0)
})

test('the statistics are a snapshot', async (t) => {
  const agent = await startAgent(t, answering)
  await using engine = createEngine({ servers: [agent.address] })
  const before = engine.stats
  await engine.send({ messages: check })
  assert.equal(before.exchanges, 0)
  const { servers, errors, ...sums } = engine.stats
  assert.deepEqual(sums, {
    queued: 0,
    exchanges: 1,
    acks: 1,
    lateAcks: 0,
    agentFaults: 0,
    connections: 1,
    connecting: 0,
    idle: 1,
    free: 1,
    inFlight: 0,
    reconnects: 0,
  })
  assert.equal(errors.size, 0)
  assert.deepEqual(servers, [
    {
      server: agent.address,
      connections: 1,
      connecting: 0,
      idle: 1,
      free: 1,
      inFlight: 0,
      expired: 0,
      queued: 0,
      connects: 1,
      connectFailures: 0,
      reconnects: 0,
      trust: 'up',
      lastError: undefined,
    },
  ])
})

test('options are checked', () => {
  const refused: [EngineOptions, RegExp][] = [
    [{ servers: [] }, /'servers' must be an array of at least one endpoint/],
    [{} as EngineOptions, /'servers'/],
    [{ servers: ['fd@3'] }, /fd@3/],
    [{ servers: ['nowhere'] }, /the port is missing/],
    [{ servers: ['a:1'], profile: '9' as '2.6' }, /default, 2.6, 3.x/],
    [{ servers: ['a:1'], capabilities: ['fragmentation' as 'async'] }, /pipelining, async/],
    [{ servers: ['a:1'], maxFrameSize: 255 }, /from 256/],
    [{ servers: ['a:1'], engineId: '' }, /1 to 64/],
    [{ servers: ['a:1'], minBackoff: 100, maxBackoff: 50 }, /maxBackoff/],
    [{ servers: ['a:1'], typo: 1 } as EngineOptions, /unknown option 'typo'/],
  ]
  for (const [options, message] of refused) {
    assert.throws(
      () => createEngine(options),
      (error) => error instanceof UsageError && message.test(error.message),
    )
  }
})

/** The least and the most that each number may be; 1 less and 1 more are refused. */
const bounds: readonly (readonly [keyof EngineOptions, least: number, most: number])[] = [
  ['maxFrameSize', 256, 2 ** 24],
  ['maxPayloadSize', 0, Number.MAX_SAFE_INTEGER],
  ...(['processingTimeout', 'connectTimeout', 'helloTimeout', 'closeTimeout', 'minBackoff'] as const).map(
    (name) => [name, 1, 2 ** 31 - 1] as const,
  ),
  ['idleTimeout', 0, 2 ** 31 - 1],
  ['maxWaitingFrames', 1, 100_000],
  ['maxConnections', 0, 100_000],
  ['maxConnectionRate', 0, 1_000_000],
  ['balanceDraws', 1, 1_000_000],
  ['maxQueue', 0, Number.MAX_SAFE_INTEGER],
  ['maxQueueSize', 0, Number.MAX_SAFE_INTEGER],
  ['maxFailures', 1, Number.MAX_SAFE_INTEGER],
]

test('numbers have bounds', () => {
  const make = (options: object) =>
    createEngine({ servers: ['a:1'], maxBackoff: 2 ** 31 - 1, ...options }).destroy()
  for (const [name, least, most] of bounds) {
    for (const right of [least, most]) make({ [name]: right })
    for (const wrong of [least - 1, most + 1, least + 0.5, NaN, '1', null]) {
      assert.throws(() => make({ [name]: wrong }), {
        code: 'ERR_SLUICE_OPTION',
        message: new RegExp(`'${name}' must be a whole number from ${least} to ${most}`),
      })
    }
  }
  for (const right of ['e', 'e'.repeat(64)]) make({ engineId: right })
  for (const wrong of ['', 'e'.repeat(65), 5, ['e'], null]) {
    assert.throws(() => make({ engineId: wrong }), /'engineId' must be a string of 1 to 64 characters/)
  }
})

test('a server may be given parsed, and has its endpoint as name', () => {
  const engine = createEngine({ servers: [{ type: 'tcp', host: '::1', port: 9 }, '/run/agent.sock'] })
  assert.deepEqual(engine.servers, ['[::1]:9', 'unix@/run/agent.sock'])
  engine.destroy()
})

test('an ACK in pieces, a byte at a time, and two in one piece', async (t) => {
  const agent = await startAgent(t, async (peer) => {
    const hello = await peer.frame()
    assert.equal(hello.type, 1)
    for (const each of agentHello().match(/../g) ?? []) {
      peer.send(each)
      await new Promise(setImmediate)
    }
    const one = await peer.frame()
    for (const each of ack(one.ids, setVar('b', 1)).match(/../g) ?? []) {
      peer.send(each)
      await new Promise(setImmediate)
    }
    const [two, three] = [await peer.frame(), await peer.frame()]
    peer.send(ack(three.ids, setVar('c', 3)), ack(two.ids, setVar('c', 2)))
  })
  await using engine = createEngine({ servers: [agent.address] })
  assert.equal((await engine.send({ messages: check })).actions[0]?.name, 'b')
  const [two, three] = await Promise.all([engine.send({ messages: check }), engine.send({ messages: check })])
  const valueOf = ({ actions: [action] }: Outcome) =>
    action?.type === 'set-var' && 'value' in action.value && action.value.value
  assert.deepEqual([valueOf(two), valueOf(three)], [2, 3])
})

test('what is refused costs nothing: no exchange, no connection, no slot of its window', async (t) => {
  const agent = await startAgent(t, answering)
  await using engine = createEngine({ servers: [agent.address], maxWaitingFrames: 1 })
  const send = engine.send.bind(engine) as (request: unknown) => Promise<Outcome>
  const wrong = [
    { messages: [], signal: 5 },
    { messages: [], signal: AbortSignal.abort(), timeout: 'x' },
    { messages: [{ name: 'check' }] },
    { messages: [{ args: [] }] },
    { messages: [...check, { name: 'check', args: [['a', Symbol('x')]] }] },
    { messages: check, timout: 5 },
    undefined,
  ]
  const refuseAll = async () => {
    for (const request of wrong) {
      await assert.rejects(send(request), (error: Error) =>
        /^ERR_(SLUICE_OPTION|SPOP_VALUE)$/.test((error as UsageError).code),
      )
    }
  }
  await refuseAll() // before there is a connection
  assert.equal(engine.stats.servers[0]?.connects, 0)
  assert.equal((await send({ messages: check })).status, 0)
  await refuseAll() // with one that is idle
  const [outcome] = await Promise.all([send({ messages: check }), refuseAll()]) // with one that is busy
  assert.equal(outcome.status, 0)
  const { exchanges, inFlight, queued } = engine.stats
  assert.deepEqual({ exchanges, inFlight, queued }, { exchanges: 2, inFlight: 0, queued: 0 })
})

test('servers that are no endpoints are refused, one among others too', () => {
  for (const servers of [undefined, [], 'unix@/a', ['unix@/a', 5], ['unix@/a', undefined]]) {
    assert.throws(() => createEngine({ servers } as unknown as EngineOptions), {
      code: 'ERR_SLUICE_OPTION',
      message: /'servers' must (?:be an array of|name) at least one endpoint/,
    })
  }
  for (const server of [
    {},
    { address: 5 },
    { address: 'a:1', weight: -1 },
    { address: 'a:1', weight: 257 },
    { address: 'a:1', maxConnections: 0.5 },
    { address: 'a:1', backup: 'yes' },
    { address: 'a:1', wait: 5 },
  ]) {
    assert.throws(() => createEngine({ servers: ['a:1', server] } as unknown as EngineOptions), {
      code: 'ERR_SLUICE_OPTION',
      message:
        /^a server must be an endpoint, an agent, or an object with address, weight, backup, maxConnections, not \{/,
    })
  }
  assert.throws(() => createEngine({ servers: ['unix@/a', 'fd@3'] }), { code: 'ERR_SLUICE_ADDRESS' })
})

test('close() settles when the last socket is gone, and not before', async (t) => {
  let answer = () => {}
  const agent = await startAgent(t, async (peer) => {
    await peer.greet()
    const { ids } = await peer.frame()
    answer = () => peer.send(ack(ids))
  })
  const engine = createEngine({ servers: [agent.address] })
  const outcome = engine.send({ messages: check })
  await until(() => engine.stats.inFlight > 0)
  let closed = false
  const closing = engine.close().then(() => (closed = true))
  await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal(closed, false, 'an exchange is under way')
  await until(() => {
    answer()
    return engine.stats.acks > 0
  })
  assert.equal((await outcome).status, 0)
  await closing
  assert.equal(engine.stats.connections, 0)
})

test('variables are what the actions amount to, by scope and name', async (t) => {
  const name = (letter: string) => `01${Buffer.from(letter).toString('hex')}`
  const actions = [
    `01 03 01 ${name('a')} 02 05`, // set-var sess.a = int32 5
    `01 03 02 ${name('a')} 11`, //    set-var txn.a = true
    `01 03 01 ${name('b')} 02 01`, // set-var sess.b = 1
    `01 03 01 ${name('b')} 02 02`, // set-var sess.b = 2: the later one counts
    `01 03 03 ${name('c')} 02 01`, // set-var req.c = 1
    `02 02 03 ${name('c')}`, //       unset-var req.c
    `01 03 04 ${name('d')} 00`, //    set-var res.d = NULL
    `02 02 00 ${name('e')}`, //       unset-var proc.e, which nobody has set
  ].join('')
  const agent = await startAgent(t, async (peer) => {
    await peer.greet()
    peer.send(ack((await peer.frame()).ids, actions))
  })
  await using engine = createEngine({ servers: [agent.address] })
  const { variables } = await engine.send({ messages: check })
  const found = Object.entries(variables).map(([scope, map]) => [scope, Object.fromEntries(map)])
  assert.deepEqual(found, [
    ['proc', {}],
    ['sess', { a: { type: 'int32', value: 5 }, b: { type: 'int32', value: 2 } }],
    ['txn', { a: { type: 'boolean', value: true } }],
    ['req', {}],
    ['res', {}],
  ])
  const failed = await engine.send({ messages: check, signal: AbortSignal.abort() })
  assert.equal(failed.status, ErrorStatus.Interrupted)
  assert.deepEqual(
    Object.values(failed.variables).map((map) => map.size),
    [0, 0, 0, 0, 0],
  )
})
