import assert from 'node:assert/strict'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { createEngine, ErrorStatus, type AgentFault, type EngineOptions, type Outcome } from 'sluice/engine'
import {
  ack,
  agentDisconnect,
  agentHello,
  answering,
  frame,
  setVar,
  startAgent,
  type AgentPeer,
  type Script,
} from './scripted-agent.ts'
import { startBlackHole } from '../support/black-hole.ts'
import { until } from '../support/until.ts'

const check = [{ name: 'check', args: [] }]
type Hooks = Parameters<typeof startAgent>[0]

/** An agent, an engine with short timeouts that waits for nobody, and the faults that were reported. */
async function setUp(t: Hooks, script: Script, options: Partial<EngineOptions> = {}) {
  const agent = await startAgent(t, script)
  const faults: AgentFault[] = []
  const engine = createEngine({
    servers: [agent.address],
    processingTimeout: 5000,
    helloTimeout: 5000,
    closeTimeout: 60,
    maxFailures: 1,
    whenDown: 'fail',
    onAgentFault: (fault) => faults.push(fault),
    ...options,
  })
  t.after(() => engine.destroy())
  const ask = (timeout = 5000) => engine.send({ messages: check, timeout })
  /** Asks what is sent, and not answered in time: on a busy machine the handshake may take all of it. */
  const lose = () =>
    until(async () => {
      assert.equal((await ask(30)).status, ErrorStatus.Timeout)
      return engine.stats.servers[0]?.expired === 1
    })
  const codes = () => faults.map(({ error }) => error.code)
  return { agent, engine, ask, lose, faults, codes }
}

/** Greets, and hands each NOTIFY with its ids to a function. */
const onNotify =
  (handle: (peer: AgentPeer, ids: string, count: number) => void, capabilities?: string): Script =>
  async (peer) => {
    await peer.greet(capabilities)
    let count = 0
    peer.onFrame((each) => each.type === 3 && handle(peer, each.ids, ++count))
  }

test('nobody listens, and nobody waits: 257 at once', async (t) => {
  const agent = await startAgent(t, answering)
  await agent.stop()
  const engine = createEngine({ servers: [agent.address], whenDown: 'fail' })
  t.after(() => engine.destroy())
  const outcome = await engine.send({ messages: check })
  assert.equal(outcome.status, 257)
  assert.equal(outcome.error?.code, 'ERR_ENGINE_UNAVAILABLE')
  assert.equal(outcome.error.fault, 'io')
  assert.match(outcome.error.message, /ECONNREFUSED/)
  assert.equal(outcome.waitTime, -1)
  assert.equal(outcome.queueTime, -1)
  assert.equal(engine.stats.servers[0]?.connects, 1)
  assert.equal(engine.stats.errors.get(257), 1)
})

test('HELLO is never answered: 258 after helloTimeout, with a word to the agent', async (t) => {
  const { agent, ask, codes } = await setUp(t, () => {}, { helloTimeout: 50 })
  const outcome = await ask()
  assert.equal(outcome.status, 258)
  assert.equal(outcome.error?.code, 'ERR_ENGINE_UNAVAILABLE')
  assert.deepEqual(codes(), ['ERR_ENGINE_HELLO_TIMEOUT'])
  await agent.peers[0]?.closed
  const goodbye = agent.peers[0]?.chunks.at(-1)
  assert.match(goodbye?.toString('hex') ?? '', /^000000..02000000010000.*0302/) // status-code 2
})

test('the deadline counts the handshake: 1 when it is shorter', async (t) => {
  const { ask, engine } = await setUp(t, () => {})
  const outcome = await ask(30)
  assert.equal(outcome.status, ErrorStatus.Timeout)
  assert.match(outcome.error?.message ?? '', /it was not sent/)
  assert.equal(engine.stats.queued, 0)
})

test('DISCONNECT instead of HELLO: its code at once, and no storm', async (t) => {
  const script: Script = async (peer) => {
    await peer.frame()
    peer.socket.end(Buffer.from(agentDisconnect(13), 'hex'))
  }
  const { agent, ask, codes } = await setUp(t, script, {
    whenDown: 'wait',
    minBackoff: 60_000,
    maxBackoff: 60_000,
  })
  for (let count = 0; count < 50; count++) {
    const outcome = await ask()
    assert.equal(outcome.status, 256 + 13)
    assert.match(outcome.error?.message ?? '', /status 13, 'bye', instead of HELLO/)
  }
  assert.equal(agent.peers.length, 1)
  assert.deepEqual(codes(), ['ERR_ENGINE_DISCONNECTED'])
})

const wrongHellos: [name: string, bytes: string, status: number][] = [
  ['version 3.0', agentHello().replace('08 03322e30'.replace(' ', ''), '0803332e30'), 256 + 8],
  ['a frame larger than announced', agentHello('pipelining', 'fcf106'), 256 + 9],
  ['frames of 255 bytes', agentHello('pipelining', 'ff00'), 256 + 9],
  ['no version', frame('65 00000001 00 00 0e6d61782d6672616d652d73697a65 03 fcf006'), 256 + 5],
  ['no FIN', agentHello().replace('6500000001', '6500000000'), 256 + 10],
  ['ids', agentHello().replace('65000000010000', '65000000010101'), 256 + 4],
  ['an ACK', ack('0101'), 256 + 4],
  ['an HTTP answer', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n').toString('hex'), 256 + 3],
  ['a length of 4 GB', 'ffffffff65', 256 + 3],
  ['a length of 3', '00000003650000', 256 + 4],
  ['garbage of a right length', frame('65 00000001 00 00 ff ff ff ff ff ff'), 256 + 4],
]

for (const [name, bytes, status] of wrongHellos) {
  test(`${name} instead of a right AGENT-HELLO: status ${status}`, async (t) => {
    const script: Script = async (peer) => {
      await peer.frame()
      peer.send(bytes)
    }
    const { ask, codes, faults } = await setUp(t, script)
    const outcome = await ask()
    assert.equal(outcome.status, status)
    assert.deepEqual(codes(), ['ERR_ENGINE_PROTOCOL'])
    assert.equal(faults[0]?.error.status, status)
  })
}

test('closed or reset before HELLO: 257', async (t) => {
  const ends: ((peer: AgentPeer) => void)[] = [
    (peer) => peer.socket.end(),
    (peer) => peer.socket.resetAndDestroy(),
    (peer) => peer.send(agentHello().slice(0, 40)) ?? peer.socket.end(),
  ]
  for (const end of ends) {
    const { ask } = await setUp(t, async (peer) => {
      await peer.frame()
      end(peer)
    })
    assert.equal((await ask()).status, 257)
  }
})

test('no ACK: status 1, the slot stays taken until the late ACK, which is ignored and counted', async (t) => {
  const held: string[] = []
  const { agent, engine, ask, codes } = await setUp(
    t,
    onNotify((peer, ids, count) => (count === 2 ? held.push(ids) : peer.send(ack(ids)))),
  )
  await ask()
  const outcome = await ask(30)
  assert.equal(outcome.status, ErrorStatus.Timeout)
  assert.equal(outcome.error?.code, 'ERR_ENGINE_TIMEOUT')
  assert.deepEqual([engine.stats.servers[0]?.expired, engine.stats.inFlight], [1, 0])
  agent.peers[0]?.send(ack(held[0] ?? ''))
  await until(() => engine.stats.lateAcks > 0)
  assert.equal(engine.stats.servers[0]?.expired, 0)
  assert.equal((await ask()).status, 0)
  assert.deepEqual(codes(), [])
  assert.equal(agent.peers.length, 1)
})

test('a connection that answers nothing is avoided, then given up', async (t) => {
  let silent = true
  const { agent, engine, ask, lose, codes } = await setUp(
    t,
    onNotify((peer, ids) => {
      if (!silent || peer !== agent.peers[0]) peer.send(ack(ids))
    }),
    { processingTimeout: 100, maxFailures: 3 },
  )
  await lose()
  silent = false
  assert.equal((await ask()).status, 0)
  assert.equal(agent.peers.length, 2) // although the first has 19 free slots
  await agent.peers[0]?.closed
  assert.deepEqual(codes(), ['ERR_ENGINE_UNRESPONSIVE'])
  assert.equal(engine.stats.connections, 1)
})

test('a suspect connection is used when no other may be made, and redeems itself', async (t) => {
  const { agent, ask, lose } = await setUp(
    t,
    onNotify((peer, ids, count) => {
      if (count > 1) peer.send(ack(ids))
    }),
    { maxConnections: 1 },
  )
  await lose()
  assert.deepEqual([(await ask()).status, (await ask()).status], [0, 0])
  assert.equal(agent.peers.length, 1)
})

test('a connection whose slots are all held by lost NOTIFYs is replaced, though it answers others', async (t) => {
  const { agent, engine, codes } = await setUp(
    t,
    onNotify((peer, ids, count) => {
      if (count % 2 === 0) peer.send(ack(ids))
    }),
    { processingTimeout: 100, maxWaitingFrames: 2, maxConnections: 1, maxFailures: 1000 },
  )
  const statuses: number[] = []
  await until(async () => {
    statuses.push((await engine.send({ messages: check, timeout: 50 })).status)
    return agent.peers.length >= 2
  })
  assert.ok(statuses.includes(0) && statuses.includes(1))
  assert.ok(codes().includes('ERR_ENGINE_UNRESPONSIVE'))
})

test('a longer deadline on a suspect connection is honoured', async (t) => {
  const held: string[] = []
  const { agent, engine, ask } = await setUp(
    t,
    onNotify((peer, ids, count) => (count === 1 ? peer.send(ack(ids)) : held.push(ids))),
    { processingTimeout: 30 },
  )
  await ask()
  const short = engine.send({ messages: check, timeout: 20 })
  const long = engine.send({ messages: check, timeout: 60_000 })
  assert.equal((await short).status, 1)
  await until(() => held.length >= 2)
  await sleep(100) // more than processingTimeout, after which the connection would otherwise be given up
  agent.peers[0]?.send(ack(held[1] ?? ''))
  assert.equal((await long).status, 0)
  assert.equal(agent.peers.length, 1)
})

test('ACKs with unknown ids are ignored, and reported', async (t) => {
  const { ask, codes, faults } = await setUp(
    t,
    onNotify((peer, ids) => peer.send(ack('0501'), ack('0102'), ack('f00001'), ack(ids, setVar('a', 7)))),
  )
  const outcome = await ask()
  assert.equal(outcome.status, 0)
  assert.equal(outcome.actions.length, 1)
  assert.deepEqual(
    codes(),
    Array.from({ length: 3 }, () => 'ERR_ENGINE_UNKNOWN_ACK'),
  )
  assert.match(faults[1]?.error.message ?? '', /1\/2/)
  assert.equal(faults[0]?.error.status, 0)
})

test('an ACK with an id over 2^53 matches nothing, and nothing breaks', async (t) => {
  const { ask, codes } = await setUp(
    t,
    onNotify((peer, ids) => peer.send(ack('fff0fefefefefefefe0e 01'.replace(' ', '')), ack(ids))),
  )
  assert.equal((await ask()).status, 0)
  assert.deepEqual(codes(), ['ERR_ENGINE_UNKNOWN_ACK'])
})

test('an ACK that comes twice is ignored the second time', async (t) => {
  const { ask, codes } = await setUp(
    t,
    onNotify((peer, ids) => peer.send(ack(ids), ack(ids))),
  )
  assert.equal((await ask()).status, 0)
  assert.equal((await ask()).status, 0)
  assert.deepEqual(codes(), ['ERR_ENGINE_UNKNOWN_ACK', 'ERR_ENGINE_UNKNOWN_ACK'])
})

test('without pipelining there is one at a time, and an unknown ACK ends the connection with 12', async (t) => {
  let inFlight = 0
  const polite = onNotify((peer, ids) => {
    assert.equal(++inFlight, 1)
    setTimeout(() => {
      inFlight--
      peer.send(ack(ids))
    }, 2)
  }, '')
  const { agent, engine, ask } = await setUp(t, polite, { maxConnections: 1 })
  const outcomes = await Promise.all(Array.from({ length: 10 }, ask))
  assert.ok(outcomes.every(({ status }) => status === 0))
  assert.equal(agent.peers.length, 1)
  assert.equal(engine.stats.idle, 1)
  const liar = await setUp(
    t,
    onNotify((peer) => peer.send(ack('2a01')), ''),
  )
  const outcome = await liar.ask()
  assert.equal(outcome.status, 256 + 12)
  assert.match(outcome.error?.message ?? '', /42\/1/)
})

test('an engine that does not announce pipelining does not pipeline', async (t) => {
  const { agent, ask } = await setUp(
    t,
    onNotify((peer, ids) => peer.send(ack(ids))),
    {
      capabilities: [],
      maxConnections: 4,
    },
  )
  const outcomes = await Promise.all(Array.from({ length: 20 }, ask))
  assert.ok(outcomes.every(({ status }) => status === 0))
  assert.equal(agent.peers.length, 4)
})

const broken: [name: string, bytes: (ids: string) => string, status: number][] = [
  ['a fragmented ACK', (ids) => ack(ids, setVar('a', 1), '00000000'), 256 + 10],
  ['an ACK over the negotiated size', () => '00004000', 256 + 3],
  ['an ACK that ends inside its ids', () => frame('67 00000001 f0 80'), 256 + 4],
  ['an HTTP answer', () => Buffer.from('HTTP/1.1 200 OK\r\n').toString('hex'), 256 + 3],
  ['an integer of eleven bytes as id', () => frame('67 00000001 fffffffffffffffffffff0 01'), 256 + 4],
]

for (const [name, bytes, status] of broken) {
  test(`${name}: all that is in flight gets ${status} at once, and the agent a DISCONNECT`, async (t) => {
    const { agent, ask, codes } = await setUp(
      t,
      onNotify((peer, ids, count) => count === 3 && peer.send(bytes(ids))),
    )
    const outcomes = await Promise.all([ask(), ask(), ask()])
    assert.deepEqual(
      outcomes.map((outcome) => outcome.status),
      [status, status, status],
    )
    assert.equal(new Set(outcomes.map(({ error }) => error)).size, 1) // each with the same cause
    assert.deepEqual(codes(), ['ERR_ENGINE_PROTOCOL'])
    await agent.peers[0]?.closed
    const goodbye = agent.peers[0]?.chunks.at(-1)?.toString('hex')
    const code = (status - 256).toString(16).padStart(2, '0')
    assert.match(goodbye ?? '', new RegExp(`^000000..020000000100000b7374617475732d636f646503${code}`))
  })
}

const farewells: [name: string, say: (peer: AgentPeer) => void, status: number][] = [
  ['says DISCONNECT 0', (peer) => peer.socket.end(Buffer.from(agentDisconnect(0), 'hex')), 256],
  ['says DISCONNECT 7', (peer) => peer.socket.end(Buffer.from(agentDisconnect(7), 'hex')), 256 + 7],
  ['says something else before', (peer) => peer.send(ack('2a2a'), agentDisconnect(7)), 256 + 7],
  ['closes', (peer) => peer.socket.end(), 257],
  ['resets', (peer) => peer.socket.resetAndDestroy(), 257],
  ['says nothing', () => {}, 256 + 10],
]

for (const [name, say, status] of farewells) {
  test(`profile 2.6: an agent that is left for a fragmented ACK, and ${name}: ${status}`, async (t) => {
    const script: Script = async (peer) => {
      peer.mannered = false
      await peer.greet()
      let count = 0
      peer.onFrame((each) => {
        if (each.type === 3 && ++count === 2) peer.send(ack(each.ids, '', '00000000'))
        if (each.type === 2) say(peer)
      })
    }
    const { engine, ask, codes } = await setUp(t, script, { profile: '2.6' })
    const outcomes = await Promise.all([ask(), ask()])
    assert.deepEqual(
      outcomes.map((outcome) => outcome.status),
      [status, status],
    )
    assert.equal(codes()[0], 'ERR_ENGINE_PROTOCOL')
    assert.equal(engine.stats.connections, 0)
  })
}

test('profile 2.6: who waits for a farewell waits no longer than its own time', async (t) => {
  const script: Script = async (peer) => {
    peer.mannered = false
    await peer.greet()
    peer.onFrame((each) => each.type === 3 && peer.send(ack(each.ids, '', '00000000')))
  }
  const { ask } = await setUp(t, script, { profile: '2.6', closeTimeout: 5000 })
  assert.equal((await ask(40)).status, ErrorStatus.Timeout)
})

test('an ACK that comes twice costs nothing, also when the next NOTIFY is out already', async (t) => {
  const { agent, ask, codes } = await setUp(
    t,
    onNotify((peer, ids) => peer.send(ack(ids), ack(ids)), ''),
  )
  for (let count = 0; count < 5; count++) assert.equal((await ask()).status, 0)
  assert.equal(agent.peers.length, 1)
  assert.ok(codes().every((code) => code === 'ERR_ENGINE_UNKNOWN_ACK'))
})

test('DISCONNECT with NOTIFYs pending: 256 and its code at once', async (t) => {
  const script = onNotify((peer, _, count) => {
    if (count === 2) peer.socket.end(Buffer.from(agentDisconnect(99, 'overload'), 'hex'))
  })
  const { ask } = await setUp(t, script)
  const outcomes = await Promise.all([ask(), ask()])
  for (const { status, error } of outcomes) {
    assert.equal(status, 355)
    assert.match(error?.message ?? '', /status 99, 'overload'/)
  }
})

test('codes of the agent from 100 on are kept', async (t) => {
  const script = onNotify((peer) => peer.socket.end(Buffer.from(agentDisconnect(120), 'hex')))
  assert.equal((await (await setUp(t, script)).ask()).status, 256 + 120)
  assert.equal((await (await setUp(t, script, { profile: '2.6' })).ask()).status, 256 + 120)
  assert.equal((await (await setUp(t, script, { profile: '3.x' })).ask()).status, 256 + 120)
})

test('an agent that answers all and disconnects with 0 is at no fault', async (t) => {
  const script = onNotify((peer, ids) => {
    peer.send(ack(ids))
    peer.socket.end(Buffer.from(agentDisconnect(0), 'hex'))
  })
  const { agent, engine, ask, codes } = await setUp(t, script)
  for (let count = 1; count <= 5; count++) {
    assert.equal((await ask()).status, 0)
    await until(() => engine.stats.connections === 0)
    assert.equal(agent.peers.length, count)
  }
  assert.deepEqual(codes(), [])
  assert.equal(engine.stats.servers[0]?.trust, 'up')
  assert.equal(engine.stats.reconnects, 0)
})

test('closed, half-closed or reset with NOTIFYs pending: 257 at once', async (t) => {
  const ends: ((peer: AgentPeer) => void)[] = [
    (peer) => peer.socket.destroy(),
    (peer) => peer.socket.end(),
    (peer) => peer.socket.resetAndDestroy(),
    (peer) => peer.send(ack('0101').slice(0, 12)) ?? peer.socket.end(),
  ]
  for (const end of ends) {
    const { ask } = await setUp(
      t,
      onNotify((peer, _, count) => count === 2 && end(peer)),
    )
    for (const { status, error } of await Promise.all([ask(), ask()])) {
      assert.equal(status, 257)
      assert.equal(error?.code, 'ERR_ENGINE_CONNECTION_LOST')
    }
  }
})

const badActions: [name: string, bytes: string][] = [
  ['an unknown action', '03 01 02 01 62'],
  ['set-var with two arguments', '01 02 02 01 62 02 01'],
  ['unset-var with a value, as a well-known agent writes it', '02 02 02 01 62 00'],
  ['an unknown scope', '01 03 05 01 62 02 01'],
  ['a value of a reserved type', '01 03 02 01 62 0f'],
  ['a name that is cut', '01 03 02 09 62'],
]

for (const [name, bytes] of badActions) {
  test(`${name}: status 0 with the actions before it, and a report`, async (t) => {
    const hex = bytes.replaceAll(' ', '')
    const { ask, codes } = await setUp(
      t,
      onNotify((peer, ids) => peer.send(ack(ids, setVar('a', 1) + hex + setVar('c', 3)))),
    )
    const outcome = await ask()
    assert.equal(outcome.status, 0)
    const names = outcome.actions.map((action) => action.name)
    assert.deepEqual(names, name.startsWith('unset-var') ? ['a', 'b'] : ['a'])
    assert.deepEqual(codes(), ['ERR_ENGINE_BAD_ACTION'])
    assert.equal((await ask()).status, 0)
  })
}

test('frames of other types are skipped, and reported', async (t) => {
  const { ask, codes } = await setUp(
    t,
    onNotify((peer, ids) =>
      peer.send(frame('c8 00000001 00 00 0102'), frame('03 00000001 01 01'), agentHello(), ack(ids)),
    ),
  )
  assert.equal((await ask()).status, 0)
  assert.deepEqual(
    codes(),
    Array.from({ length: 3 }, () => 'ERR_ENGINE_UNKNOWN_FRAME'),
  )
})

test('ACK with ABORT of a fragmented NOTIFY: status 4; of a whole one, the flag means nothing', async (t) => {
  const script: Script = async (peer) => {
    await peer.greet('pipelining,fragmentation', 'f001')
    peer.onFrame((each) => each.type === 3 && peer.send(ack(each.ids, setVar('a', 1), '00000003')))
  }
  const { engine, ask } = await setUp(t, script, { maxFrameSize: 256 })
  const outcome = await engine.send({ messages: [{ name: 'check', args: [['a', 'x'.repeat(500)]] }] })
  assert.equal(outcome.status, ErrorStatus.FragmentAborted)
  assert.equal(outcome.error?.code, 'ERR_ENGINE_FRAGMENT_ABORTED')
  assert.equal((await ask()).actions.length, 1)
})

test('an idle connection is closed with DISCONNECT 2, and the answer is awaited', async (t) => {
  const { agent, engine, ask } = await setUp(t, answering, { idleTimeout: 200, closeTimeout: 5000 })
  await ask()
  await sleep(20)
  await ask()
  await agent.peers[0]?.closed
  assert.equal(agent.peers.length, 1)
  const goodbye = agent.peers[0]?.chunks.at(-1)?.toString('hex')
  assert.equal(
    goodbye,
    '00000031020000000100000b7374617475732d636f64650302076d6573736167650812612074696d656f7574206f63637572726564',
  )
  assert.equal(engine.stats.connections, 0)
  assert.equal((await ask()).status, 0)
})

test('idleTimeout 0 keeps connections', async (t) => {
  const { agent, ask } = await setUp(t, answering, { idleTimeout: 0 })
  await ask()
  await sleep(60)
  await ask()
  assert.equal(agent.peers.length, 1)
})

test('an agent that does not read is not written to without end', async (t) => {
  const { agent, engine } = await setUp(
    t,
    async (peer) => {
      await peer.greet('pipelining', 'fcf0ff03')
      peer.socket.pause()
    },
    { maxFrameSize: 1_312_764, maxWaitingFrames: 10_000, maxConnections: 1, processingTimeout: 5000 },
  )
  const messages = [{ name: 'check', args: [['a', Buffer.alloc(100_000)]] }] as const
  const outcomes: Promise<Outcome>[] = []
  for (let turn = 0; turn < 200; turn++) {
    outcomes.push(engine.send({ messages }))
    await new Promise(setImmediate)
  }
  const { inFlight, queued } = engine.stats
  assert.ok(queued > 100, `${queued} are queued`)
  assert.ok(inFlight < 100, `${inFlight} are in flight`)
  agent.peers[0]?.onFrame((each) => each.type === 3 && agent.peers[0]?.send(ack(each.ids)))
  agent.peers[0]?.socket.resume()
  const statuses = (await Promise.all(outcomes)).map(({ status }) => status)
  assert.ok(statuses.every((status) => status === 0 || status === 1))
})

test('faults of one agent fill no log', async (t) => {
  const lines: string[] = []
  const log = (_: object, message: string) => void lines.push(message)
  const { ask, faults } = await setUp(
    t,
    onNotify((peer, ids) => peer.send(ack('2a01'), ack(ids))),
    {
      logger: { debug: log, info: log, warn: log, error: log },
    },
  )
  for (let count = 0; count < 50; count++) await ask()
  assert.equal(faults.length, 50)
  assert.deepEqual(lines, ['an agent is at fault'])
})

test('a black hole: 257 after connectTimeout', async (t) => {
  const port = await startBlackHole(t)
  const engine = createEngine({ servers: [`127.0.0.1:${port}`], connectTimeout: 50, whenDown: 'fail' })
  t.after(() => engine.destroy())
  const outcome = await engine.send({ messages: check, timeout: 5000 })
  assert.equal(outcome.status, 257)
  assert.match(outcome.error?.message ?? '', /nothing after 50 ms/)
})

test('a DISCONNECT fits the smallest frame size, however much there is to say', async (t) => {
  const script: Script = async (peer) => {
    await peer.greet('pipelining', 'f001')
    await peer.frame()
    peer.send(frame('65 00000001 00 00'), '00000101', '41'.repeat(300))
  }
  const { agent, ask } = await setUp(t, script, { maxFrameSize: 256 })
  assert.equal((await ask()).status, 256 + 3)
  await agent.peers[0]?.closed
  const goodbye = agent.peers[0]?.chunks.at(-1) ?? assert.fail()
  assert.ok(goodbye.length <= 260 && goodbye.readUInt32BE() === goodbye.length - 4)
})

test('a logger that throws costs no exchange, and is told of once', async (t) => {
  const mistake = new Error('a mistake in a logger')
  const none = () => {}
  const info = () => {
    throw mistake
  }
  let good = false
  const script: Script = async (peer) => {
    if (good) await answering(peer)
    else peer.socket.destroy()
  }
  const { ask } = await setUp(t, script, {
    logger: { debug: none, info, warn: none, error: none },
    minBackoff: 1,
    maxBackoff: 1,
  })
  assert.equal((await ask()).status, 257)
  good = true
  const warned = once(process, 'warning') as Promise<[Error]>
  await sleep(5)
  assert.equal((await ask()).status, 0) // the logger is told that the agent is back
  assert.match((await warned)[0].message, /the logger has failed: a mistake in a logger/)
})

test('onAgentFault may destroy the engine in the middle of an ACK', async (t) => {
  const script = onNotify((peer, ids, count) => count === 2 && peer.send(ack(ids, '0301'), ack('2a01')))
  const { ask, engine } = await setUp(t, script, { onAgentFault: () => engine.destroy() })
  const statuses = await Promise.all([ask(), ask(), ask()])
  assert.deepEqual(
    statuses.map(({ status }) => status),
    [5, 0, 5],
  )
  await engine.close()
})

for (const [what, connect] of [
  [
    'throws',
    () => {
      throw new Error('a mistake in connect')
    },
  ],
  [
    'throws what is no error',
    () => {
      throw 'a mistake in connect'
    },
  ],
  ['makes no stream', () => ({ note: 'a mistake in connect' })],
] as const) {
  test(`a connect that ${what} is a connection that cannot be made`, async (t) => {
    const engine = createEngine({
      servers: ['unix@/nowhere'],
      connect: connect as unknown as NonNullable<EngineOptions['connect']>,
      minBackoff: 60_000,
      maxBackoff: 60_000,
      whenDown: 'fail',
    })
    t.after(() => engine.destroy())
    for (let count = 0; count < 5; count++) {
      const outcome = await engine.send({ messages: check })
      assert.equal(outcome.status, 257)
      assert.match(outcome.error?.message ?? '', /a mistake in connect/)
    }
    const { connecting, servers } = engine.stats
    // What was counted as being made is not for ever.
    assert.deepEqual([connecting, servers[0]?.connects, servers[0]?.trust], [0, 1, 'failing'])
    const report = await engine.healthCheck('unix@/nowhere')
    assert.equal(report.error?.code, 'ERR_ENGINE_CONNECT')
    await engine.close()
  })
}

test('the log tells which agent is down, why, when it is tried again, and that it is back', async (t) => {
  const lines: [string, Record<string, unknown>][] = []
  const tell = (fields: object, message: string) =>
    void lines.push([message, fields as Record<string, unknown>])
  let good = false
  const script: Script = async (peer) => {
    if (good) await answering(peer)
    else peer.socket.destroy()
  }
  const { agent, ask } = await setUp(t, script, {
    logger: { debug() {}, info: tell, warn: tell, error() {} },
    minBackoff: 20,
    maxBackoff: 20,
  })
  assert.equal((await ask()).status, 257)
  good = true
  await sleep(40)
  assert.equal((await ask()).status, 0)
  const server = agent.address
  const [down, back] = lines
  assert.deepEqual(
    lines.map(([message]) => message),
    ['the agent is down', 'the agent is back'],
  )
  assert.equal(down?.[1]['server'], server)
  assert.equal((down?.[1]['err'] as { code: string } | undefined)?.code, 'ERR_ENGINE_CONNECTION_LOST')
  assert.ok(Number(down?.[1]['retryIn']) <= 20)
  assert.deepEqual(back?.[1], { server })
})

test('a connection that answers nothing keeps no other from being made, not even while the server fails', async (t) => {
  const { agent, ask } = await setUp(t, async (peer) => {
    await peer.greet('')
    peer.onFrame((each) => {
      if (each.type !== 3) return
      if (agent.peers.length === 2) peer.send('ffffffff67')
      else if (agent.peers.length > 2) peer.send(ack(each.ids))
    })
  })
  assert.equal((await ask(400)).status, 1)
  assert.equal((await ask()).status, 259)
  assert.equal((await ask(2000)).status, 0)
})
