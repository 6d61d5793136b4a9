/** What waits for an agent: one that is away, one that is slow to be reached, one of several; and for how long. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { createEngine, createServerList, type EngineOptions, type Outcome } from 'sluice/engine'
import { startBlackHole } from '../support/black-hole.ts'
import { until } from '../support/until.ts'
import { ack, answering, ScriptedAgent, setVar, startAgent, type Script } from './scripted-agent.ts'

const check = [{ name: 'check', args: [] }]
type Hooks = Parameters<typeof startAgent>[0]

const numbered =
  (number: number): Script =>
  async (peer) => {
    await peer.greet()
    peer.onFrame((each) => each.type === 3 && peer.send(ack(each.ids, setVar('n', number))))
  }

const numberOf = ({ actions: [action] }: Outcome) =>
  action?.type === 'set-var' && 'value' in action.value ? Number(action.value.value) : undefined

/** How many outcomes each server has to its name; failures are undefined. */
const spread = (outcomes: readonly Outcome[]) => {
  const counts = new Map<number | undefined, number>()
  for (const outcome of outcomes) counts.set(numberOf(outcome), (counts.get(numberOf(outcome)) ?? 0) + 1)
  return Object.fromEntries(counts)
}

/** A port where an agent was, and is no more. */
async function deadAgent(t: Hooks) {
  const agent = await startAgent(t, answering)
  await agent.stop()
  return agent
}

const start = (t: Hooks, options: EngineOptions) => {
  const engine = createEngine({ processingTimeout: 5000, ...options })
  t.after(() => engine.destroy())
  const ask = (count: number) =>
    Promise.all(Array.from({ length: count }, () => engine.send({ messages: check })))
  return { engine, ask }
}

test('an agent that is away is waited for, with attempts that all share', async (t) => {
  const gone = await deadAgent(t)
  const { engine, ask } = start(t, { servers: [gone.address] })
  const outcomes = ask(200)
  await sleep(600)
  const { connects } = engine.stats.servers[0] ?? { connects: 0 }
  assert.ok(connects > 5 && connects <= 31, `${connects} attempts in 600 ms`)
  assert.equal(engine.stats.queued, 200)
  const back = await new ScriptedAgent(answering).listen(gone.port)
  t.after(() => back.stop())
  const statuses = new Set((await outcomes).map(({ status }) => status))
  assert.deepEqual([...statuses], [0])
})

test('a first exchange finds an agent that has just come back', async (t) => {
  const gone = await deadAgent(t)
  const { ask } = start(t, { servers: [gone.address], processingTimeout: 500 })
  for (let round = 0; round < 3; round++) {
    const [outcome] = await ask(1)
    assert.equal(outcome?.status, 1)
    assert.match(outcome?.error?.message ?? '', /it was not sent: .*ECONNREFUSED/)
  }
  const back = await new ScriptedAgent(answering).listen(gone.port)
  t.after(() => back.stop())
  const [outcome] = await ask(1)
  assert.equal(outcome?.status, 0)
})

test('nothing is tried while nothing waits', async (t) => {
  const gone = await deadAgent(t)
  const { engine, ask } = start(t, { servers: [gone.address], processingTimeout: 60 })
  await ask(3)
  const { connects } = engine.stats.servers[0] ?? { connects: -1 }
  await sleep(300)
  assert.equal(engine.stats.servers[0]?.connects, connects)
})

test('what waits can be cancelled, and a closed engine waits for it', async (t) => {
  const gone = await deadAgent(t)
  const { engine } = start(t, { servers: [gone.address], processingTimeout: 200 })
  const statuses: number[] = []
  const first = engine.exchange(check, 5000, ({ status }) => statuses.push(status))
  engine.exchange(check, 150, ({ status }) => statuses.push(status))
  await sleep(50)
  first.cancel()
  assert.deepEqual(statuses, [5])
  await engine.close()
  assert.deepEqual(statuses, [5, 1])
})

test('a dead agent takes nothing from one that lives, and is used again when it is back', async (t) => {
  const gone = await deadAgent(t)
  const good = await startAgent(t, numbered(0))
  const { engine, ask } = start(t, { servers: [gone.address, good.address] })
  for (let round = 0; round < 10; round++) assert.deepEqual(spread(await ask(10)), { 0: 10 })
  const back = await new ScriptedAgent(numbered(1)).listen(gone.port)
  t.after(() => back.stop())
  for (let round = 0; engine.stats.servers[0]?.trust !== 'up'; round++) {
    assert.ok(round < 200)
    await ask(1)
    await sleep(5)
  }
  assert.deepEqual(spread(await ask(20)), { 0: 10, 1: 10 })
})

test('a server that takes long to be reached holds up nobody for long', async (t) => {
  const hole = await startBlackHole(t)
  const good = await startAgent(t, numbered(0))
  const { ask } = start(t, { servers: [`127.0.0.1:${hole}`, good.address], connectTimeout: 3000 })
  const outcomes = await ask(10)
  assert.deepEqual(spread(outcomes), { 0: 10 })
  const slowest = Math.max(...outcomes.map(({ processTime }) => processTime))
  assert.ok(slowest < 2500, `${slowest} ms`) // of 3000 to connect, of 5000 in all
  assert.deepEqual(spread(await ask(1)), { 0: 1 }) // once is enough: it is known to be slow
})

for (const [what, servers, asked, expected] of [
  ['equal servers share a cold burst', [{}, {}], 40, { 0: 20, 1: 20 }],
  ['weights hold for what is asked', [{ weight: 30 }, { weight: 10 }], 40, { 0: 30, 1: 10 }],
  ['a server of weight 0 is asked nothing', [{}, { weight: 0 }], 30, { 0: 30 }],
  ['a backup is asked nothing while another server is up', [{}, { backup: true }], 30, { 0: 30 }],
] as const) {
  test(what, async (t) => {
    const agents = await Promise.all(servers.map((_, number) => startAgent(t, numbered(number))))
    const { ask } = start(t, {
      servers: servers.map((options, at) => ({ ...options, address: agents[at]?.address ?? '' })),
    })
    assert.deepEqual(spread(await ask(asked)), expected)
  })
}

test('a backup is asked when the others are down', async (t) => {
  const gone = await deadAgent(t)
  const backup = await startAgent(t, numbered(1))
  const { ask } = start(t, { servers: [gone.address, { address: backup.address, backup: true }] })
  assert.deepEqual(spread(await ask(10)), { 1: 10 })
})

test('the least loaded, the first that has room, and any by chance', async (t) => {
  const held: (() => void)[] = []
  let holding = false
  const slow = await startAgent(t, async (peer) => {
    await peer.greet()
    peer.onFrame((each) => {
      if (each.type !== 3) return
      if (holding) held.push(() => peer.send(ack(each.ids, setVar('n', 0))))
      else peer.send(ack(each.ids, setVar('n', 0)))
    })
  })
  const quick = await startAgent(t, numbered(1))
  const servers = [slow.address, quick.address]
  const least = start(t, { servers, balance: 'leastconn' })
  await until(async () => {
    await least.ask(2)
    return least.engine.stats.connections >= 2
  })
  holding = true
  const waiting = least.ask(2)
  await until(() => held.length > 0 && least.engine.stats.inFlight <= 1)
  for (let round = 0; round < 5; round++) assert.deepEqual(spread(await least.ask(1)), { 1: 1 })
  held.pop()?.()
  assert.deepEqual(spread(await waiting), { 0: 1, 1: 1 })
  const first = start(t, { servers, balance: 'first', maxConnections: 1, maxWaitingFrames: 2 })
  const two = first.ask(2)
  await until(() => held.length >= 2)
  assert.deepEqual(spread(await first.ask(3)), { 1: 3 }) // the first is full
  for (const answer of held.splice(0)) answer()
  assert.deepEqual(spread(await two), { 0: 2 })
  const random = start(t, { servers: [quick.address, quick.address], balance: 'random', balanceDraws: 1 })
  assert.deepEqual(spread(await random.ask(50)), { 1: 50 })
})

test('connections of one server are no more than it may have; the rest waits', async (t) => {
  const agent = await startAgent(t, async (peer) => {
    await peer.greet('')
    peer.onFrame((each) => each.type === 3 && setTimeout(() => peer.send(ack(each.ids)), 5))
  })
  const { ask } = start(t, { servers: [{ address: agent.address, maxConnections: 2 }] })
  assert.ok((await ask(8)).every(({ status }) => status === 0))
  assert.equal(agent.peers.length, 2)
})

test('there is no limit of our own: 160 at once to an agent without pipelining are 160 connections', async (t) => {
  const held: (() => void)[] = []
  const agent = await startAgent(t, async (peer) => {
    await peer.greet('')
    peer.onFrame((each) => each.type === 3 && held.push(() => peer.send(ack(each.ids))))
  })
  const { ask } = start(t, { servers: [agent.address] })
  const outcomes = ask(160)
  await until(() => held.length >= 160)
  for (const answer of held) answer()
  assert.ok((await outcomes).every(({ status }) => status === 0))
  assert.equal(agent.peers.length, 160)
})

test('maxConnectionRate: connections in any second', async (t) => {
  const agent = await startAgent(t, async (peer) => {
    await peer.greet('')
    peer.onFrame((each) => each.type === 3 && setTimeout(() => peer.send(ack(each.ids)), 2))
  })
  const { ask } = start(t, { servers: [agent.address], maxConnectionRate: 3 })
  const began = performance.now()
  const outcomes = await ask(100)
  assert.ok(outcomes.every(({ status }) => status === 0))
  assert.ok(agent.peers.length <= 3 + (3 * (performance.now() - began)) / 1000, `${agent.peers.length}`)
})

test('a list of servers may change: who comes is asked, who goes is left when it has answered', async (t) => {
  const held: (() => void)[] = []
  const old = await startAgent(t, async (peer) => {
    await peer.greet()
    peer.onFrame((each) => each.type === 3 && held.push(() => peer.send(ack(each.ids, setVar('n', 0)))))
  })
  const fresh = await startAgent(t, numbered(1))
  const list = createServerList([old.address])
  const { engine, ask } = start(t, { servers: list })
  const outcome = ask(1)
  await until(() => held.length >= 1)
  list.replace([fresh.address])
  assert.deepEqual(engine.servers, [fresh.address])
  assert.deepEqual(spread(await ask(5)), { 1: 5 })
  assert.equal(old.peers.length, 1)
  held.pop()?.()
  assert.deepEqual(spread(await outcome), { 0: 1 })
  await old.peers[0]?.closed
  list.replace([{ address: fresh.address }, old.address])
  const both = ask(4)
  await until(() => held.length >= 2)
  for (const answer of held) answer()
  assert.deepEqual(spread(await both), { 0: 2, 1: 2 })
  assert.equal(fresh.peers.length, 1) // it was there before
  assert.throws(() => list.replace([]), { code: 'ERR_SLUICE_OPTION' })
})

test('what waits goes to a server that is new in the list', async (t) => {
  const gone = await deadAgent(t)
  const agent = await startAgent(t, numbered(1))
  const list = createServerList([{ address: agent.address, weight: 0 }, gone.address])
  const { ask } = start(t, { servers: list })
  const outcomes = ask(3)
  await sleep(30)
  list.replace([agent.address])
  assert.deepEqual(spread(await outcomes), { 1: 3 })
})

test('no server may be asked: status 2 at once', async (t) => {
  const agent = await startAgent(t, answering)
  const { ask } = start(t, { servers: [{ address: agent.address, weight: 0 }] })
  const [outcome] = await ask(1)
  assert.deepEqual([outcome?.status, outcome?.error?.code], [2, 'ERR_ENGINE_NO_SERVER'])
  assert.equal(agent.peers.length, 0)
})

test('whenLost: what was in flight is sent once more, elsewhere if there is an elsewhere', async (t) => {
  const seen: string[] = []
  let dying = true
  const dies: Script = async (peer) => {
    await peer.greet()
    peer.onFrame((each) => {
      if (each.type !== 3) return
      seen.push('dies')
      if (dying) peer.socket.destroy()
      else peer.send(ack(each.ids, setVar('n', 0)))
    })
  }
  const mortal = await startAgent(t, dies)
  const good = await startAgent(t, async (peer) => {
    await peer.greet()
    peer.onFrame((each) => {
      if (each.type !== 3) return
      seen.push(each.payload.toString('hex'))
      peer.send(ack(each.ids, setVar('n', 1)))
    })
  })
  const both = start(t, { servers: [mortal.address, good.address], whenLost: 'resend' })
  assert.deepEqual(spread(await both.ask(4)), { 1: 4 })
  assert.equal(new Set(seen.filter((each) => each !== 'dies')).size, 1) // the same bytes
  seen.length = 0
  const alone = start(t, { servers: [mortal.address], whenLost: 'resend' })
  const [outcome] = await alone.ask(1)
  assert.equal(outcome?.status, 257)
  assert.deepEqual(seen, ['dies', 'dies']) // once more, and not for ever
  seen.length = 0
  const once = start(t, { servers: [mortal.address], whenLost: 'resend' })
  const answered = once.ask(1)
  await until(() => seen.length >= 1)
  dying = false
  assert.deepEqual(spread(await answered), { 0: 1 })
  const { acks, lateAcks } = once.engine.stats
  assert.deepEqual([acks, lateAcks], [1, 0])
})

test('whenLost: a process that dies loses its connections one by one', async (t) => {
  let alive = false
  const seen: number[] = []
  const agent = await startAgent(t, async (peer) => {
    await peer.greet()
    const place = agent.peers.indexOf(peer)
    peer.onFrame((each) => {
      if (each.type !== 3) return
      seen.push(place)
      if (alive) peer.send(ack(each.ids, setVar('n', 1)))
    })
  })
  const { ask } = start(t, { servers: [agent.address], whenLost: 'resend', maxWaitingFrames: 4 })
  const asked = ask(10)
  await until(() => seen.length === 10)
  const dying = [...agent.peers]
  assert.ok(dying.length > 1)
  for (const peer of dying) {
    peer.socket.resetAndDestroy()
    await sleep(2)
  }
  alive = true
  assert.deepEqual(spread(await asked), { 1: 10 })
  assert.equal(seen.length, 20) // each of them once more
})

test('nothing is sent again by an engine that was destroyed', async (t) => {
  let seen = 0
  const agent = await startAgent(t, async (peer) => {
    await peer.greet()
    peer.onFrame((each) => {
      if (each.type === 3) seen++
    })
  })
  const { engine, ask } = start(t, { servers: [agent.address], whenLost: 'resend' })
  const asked = ask(3)
  await until(() => seen >= 3)
  engine.destroy()
  assert.deepEqual(
    (await asked).map(({ status }) => status),
    [5, 5, 5],
  )
  await sleep(150)
  assert.equal(seen, 3)
  // A callback destroys it while the others of a lost connection are told.
  const other = start(t, { servers: [agent.address], whenLost: 'fail' })
  const statuses: number[] = []
  for (let at = 0; at < 3; at++) {
    other.engine.exchange(check, 5000, ({ status }) => {
      statuses.push(status)
      other.engine.destroy()
    })
  }
  await until(() => seen >= 6)
  for (const peer of agent.peers) peer.socket.destroy()
  await until(() => statuses.length >= 3)
  assert.deepEqual(statuses, [257, 5, 5])
})

test('nothing is sent again unless asked for', async (t) => {
  let seen = 0
  const agent = await startAgent(t, async (peer) => {
    await peer.greet()
    peer.onFrame((each) => {
      if (each.type !== 3) return
      seen++
      peer.socket.destroy()
    })
  })
  const { ask } = start(t, { servers: [agent.address] })
  assert.deepEqual(
    (await ask(3)).map(({ status }) => status),
    [257, 257, 257],
  )
  assert.ok(seen <= 3)
})
