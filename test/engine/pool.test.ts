import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { createEngine, type Outcome } from 'sluice/engine'
import { until } from '../support/until.ts'
import {
  ack,
  agentDisconnect,
  AgentPeer,
  answering,
  ScriptedAgent,
  setVar,
  startAgent,
  type Script,
} from './scripted-agent.ts'

const check = [{ name: 'check', args: [] }]

const count = (outcomes: readonly Outcome[]) => {
  const statuses = new Map<number, number>()
  for (const { status } of outcomes) statuses.set(status, (statuses.get(status) ?? 0) + 1)
  return Object.fromEntries(statuses)
}

/** Answers with the number of the server. */
const numbered =
  (number: number): Script =>
  async (peer) => {
    await peer.greet()
    peer.onFrame((each) => each.type === 3 && peer.send(ack(each.ids, setVar('n', number))))
  }

const numberOf = ({ actions: [action] }: Outcome) =>
  action?.type === 'set-var' && 'value' in action.value ? Number(action.value.value) : undefined

test('several servers are asked in turn', async (t) => {
  const agents = [
    await startAgent(t, numbered(0)),
    await startAgent(t, numbered(1)),
    await startAgent(t, numbered(2)),
  ]
  await using engine = createEngine({ servers: agents.map(({ address }) => address) })
  await Promise.all(Array.from({ length: 3 }, () => engine.send({ messages: check })))
  await until(() => engine.stats.connections >= 3)
  const asked: (number | undefined)[] = []
  for (let round = 0; round < 9; round++) asked.push(numberOf(await engine.send({ messages: check })))
  const [first = 0] = asked
  assert.deepEqual(
    asked,
    asked.map((_, index) => (first + index) % 3),
  )
})

test('a server that is down is skipped, and used again when it is back', async (t) => {
  const good = await startAgent(t, numbered(0))
  const other = await startAgent(t, numbered(1))
  await other.stop()
  await using engine = createEngine({
    servers: [good.address, other.address],
    minBackoff: 20,
    maxBackoff: 20,
    maxFailures: 1,
  })
  for (let round = 0; round < 20; round++) {
    const outcome = await engine.send({ messages: check })
    assert.deepEqual([outcome.status, numberOf(outcome)], [0, 0])
  }
  assert.equal(engine.stats.servers[1]?.trust, 'down')
  const back = await new ScriptedAgent(numbered(1)).listen(other.port)
  t.after(() => back.stop())
  let seen = 0
  for (let round = 0; round < 500 && seen < 3; round++) {
    if (numberOf(await engine.send({ messages: check })) === 1) seen++
    await sleep(2)
  }
  assert.equal(seen, 3)
  assert.equal(engine.stats.servers[1]?.trust, 'up')
  assert.equal(engine.stats.servers[1]?.reconnects > 0, true)
})

test('what waits for a server that cannot be reached goes to another', async (t) => {
  const gone = await startAgent(t, numbered(1))
  await gone.stop()
  const good = await startAgent(t, numbered(0))
  await using engine = createEngine({ servers: [gone.address, good.address] })
  const outcomes = await Promise.all(Array.from({ length: 50 }, () => engine.send({ messages: check })))
  assert.deepEqual(count(outcomes), { 0: 50 })
})

test('connections are made as they are needed, and no more', async (t) => {
  const held: (() => void)[] = []
  const agent = await startAgent(t, async (peer) => {
    await peer.greet()
    peer.onFrame((each) => each.type === 3 && held.push(() => peer.send(ack(each.ids))))
  })
  const engine = createEngine({
    servers: [agent.address],
    maxWaitingFrames: 10,
    maxConnections: 3,
    processingTimeout: 5000,
  })
  const ask = (number: number) => Array.from({ length: number }, () => engine.send({ messages: check }))
  const outcomes = ask(10)
  await until(() => held.length >= 10)
  assert.equal(agent.peers.length, 1)
  outcomes.push(...ask(1))
  await until(() => held.length >= 11)
  assert.equal(agent.peers.length, 2)
  outcomes.push(...ask(50))
  await until(() => held.length >= 30)
  await sleep(20)
  assert.equal(held.length, 30) // the window holds
  assert.equal(agent.peers.length, 3)
  assert.deepEqual([engine.stats.inFlight, engine.stats.queued], [30, 31])
  for (const at of outcomes.keys()) {
    await until(() => held[at] !== undefined)
    held[at]?.()
  }
  assert.deepEqual(count(await Promise.all(outcomes)), { 0: 61 })
  assert.equal(engine.stats.idle, 3)
  await engine.close()
})

test('a cold burst for an agent without pipelining opens one connection each, up to the limit', async (t) => {
  const agent = await startAgent(t, async (peer) => {
    await peer.greet('')
    peer.onFrame((each) => each.type === 3 && setTimeout(() => peer.send(ack(each.ids)), 5))
  })
  await using engine = createEngine({ servers: [agent.address], maxConnections: 8 })
  const outcomes = await Promise.all(Array.from({ length: 40 }, () => engine.send({ messages: check })))
  assert.deepEqual(count(outcomes), { 0: 40 })
  assert.equal(agent.peers.length, 8)
})

test('no storm: an agent that refuses HELLO sees few connections, whatever is asked of it', async (t) => {
  const agent = await startAgent(t, async (peer) => {
    await peer.frame()
    peer.socket.end(Buffer.from(agentDisconnect(3), 'hex'))
  })
  const engine = createEngine({ servers: [agent.address], minBackoff: 50, maxBackoff: 200 })
  t.after(() => engine.destroy())
  const start = performance.now()
  for (let round = 0; round < 150; round++) {
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => engine.send({ messages: check })))
    assert.deepEqual(count(outcomes), { 259: 20 })
    await sleep(1)
  }
  // One after 25 to 50 ms, then after 50 to 100, after 100 to 200, …
  const most = 4 + (performance.now() - start) / 25
  assert.ok(agent.peers.length < most, `${agent.peers.length} connections, ${most} allowed`)
})

test('an agent that dies at every NOTIFY is no better than one that is not there', async (t) => {
  const agent = await startAgent(t, async (peer) => {
    await peer.greet()
    await peer.frame()
    peer.socket.destroy()
  })
  const engine = createEngine({
    servers: [agent.address],
    minBackoff: 60_000,
    maxBackoff: 60_000,
    maxFailures: 1,
    whenDown: 'fail',
  })
  t.after(() => engine.destroy())
  for (let round = 0; round < 20; round++) {
    assert.equal((await engine.send({ messages: check })).status, 257)
  }
  assert.equal(agent.peers.length, 1)
  assert.equal(engine.stats.servers[0]?.trust, 'down')
})

test('a server that is down gets one attempt at a time, and all wait for it', async (t) => {
  let good = false
  let release = () => {}
  const agent = await startAgent(t, async (peer) => {
    if (!good) return void peer.socket.destroy()
    await new Promise<void>((resolve) => (release = resolve))
    await answering(peer)
  })
  await using engine = createEngine({
    servers: [agent.address],
    maxFailures: 1,
    minBackoff: 20,
    maxBackoff: 20,
    maxWaitingFrames: 2,
    whenDown: 'fail',
  })
  assert.equal((await engine.send({ messages: check })).status, 257)
  assert.equal((await engine.send({ messages: check })).status, 257)
  assert.equal(agent.peers.length, 1)
  await sleep(25)
  good = true
  const outcomes = Promise.all(Array.from({ length: 10 }, () => engine.send({ messages: check })))
  await until(() => agent.peers.length >= 2)
  await sleep(20)
  assert.equal(agent.peers.length, 2)
  assert.equal(engine.stats.servers[0]?.trust, 'down')
  release()
  assert.deepEqual(count(await outcomes), { 0: 10 })
  assert.equal(engine.stats.servers[0]?.trust, 'up')
})

test('restarts of the agent under load: only what was in flight fails, at once, and it goes on', async (t) => {
  let agent = await new ScriptedAgent(answering).listen()
  t.after(() => agent.stop())
  const { port, address } = agent
  await using engine = createEngine({
    servers: [address],
    processingTimeout: 2000,
    minBackoff: 10,
    maxBackoff: 40,
  })
  const outcomes: Outcome[] = []
  let loading = true
  t.after(() => (loading = false))
  const load = async () => {
    while (loading) {
      outcomes.push(await engine.send({ messages: check }))
      if (outcomes.at(-1)?.status !== 0) await sleep(1)
    }
  }
  const loaders = Array.from({ length: 20 }, load)
  for (let restart = 0; restart < 3; restart++) {
    await sleep(40)
    await agent.stop()
    await sleep(30)
    agent = await new ScriptedAgent(answering).listen(port)
  }
  const { acks } = engine.stats
  await until(() => engine.stats.acks >= acks + 200)
  loading = false
  await Promise.all(loaders)
  const statuses = count(outcomes)
  assert.deepEqual(Object.keys(statuses), ['0', '257'])
  const slowest = Math.max(...outcomes.map(({ processTime }) => processTime))
  assert.ok(slowest < 2000, `${slowest} ms`)
  assert.ok(engine.stats.reconnects >= 3)
})

test('10,000 exchanges with random delays and orders: each is answered once, with its own answer', async (t) => {
  const agent = await startAgent(t, async (peer) => {
    await peer.greet()
    const late: string[] = []
    peer.onFrame((each) => {
      if (each.type !== 3) return
      // "q", one argument, "n", INT32, and the number as a varint: set-var txn.n = that.
      const answer = ack(each.ids, `010302016e${each.payload.toString('hex', 5)}`)
      const chance = Math.random()
      if (chance < 0.3) peer.send(answer)
      else if (chance < 0.6) setTimeout(() => peer.send(answer), chance * 20)
      else if (late.push(answer) >= 7) peer.send(...late.splice(0).sort(() => Math.random() - 0.5))
      else setTimeout(() => peer.send(...late.splice(0)), 10)
    })
  })
  await using engine = createEngine({ servers: [agent.address, agent.address], processingTimeout: 20_000 })
  const answers = new Map<number, number>()
  let wrong = 0
  await new Promise<void>((resolve) => {
    let begun = 0
    let ended = 0
    const begin = () => {
      const number = begun++
      engine.exchange([{ name: 'q', args: [['n', { type: 'int32', value: number }]] }], 20_000, (outcome) => {
        answers.set(number, (answers.get(number) ?? 0) + 1)
        if (numberOf(outcome) !== number) wrong++
        if (++ended === 10_000) resolve()
        else if (begun < 10_000) begin()
      })
    }
    for (let width = 0; width < 300; width++) begin()
  })
  assert.equal(wrong, 0)
  assert.equal(answers.size, 10_000)
  assert.ok([...answers.values()].every((times) => times === 1))
  assert.deepEqual([engine.stats.acks, engine.stats.inFlight, engine.stats.queued], [10_000, 0, 0])
})

test('async, when asked for: an ACK may come on another connection, and a lost one fails nothing at once', async (t) => {
  const notified: { peer: AgentPeer; ids: string }[] = []
  const agent = await startAgent(t, async (peer) => {
    await peer.greet('pipelining,async')
    peer.onFrame((each) => each.type === 3 && notified.push({ peer, ids: each.ids }))
  })
  await using engine = createEngine({
    servers: [agent.address],
    capabilities: ['pipelining', 'async'],
    maxWaitingFrames: 1,
    processingTimeout: 5000,
  })
  const outcomes = [engine.send({ messages: check }), engine.send({ messages: check })]
  await until(() => notified.length >= 2)
  const [one, two] = notified as [(typeof notified)[0], (typeof notified)[0]]
  assert.notEqual(one.peer, two.peer)
  one.peer.send(ack(two.ids))
  await until(() => engine.stats.acks >= 1)
  two.peer.send(ack(one.ids))
  assert.deepEqual(count(await Promise.all(outcomes)), { 0: 2 })
  const more = [engine.send({ messages: check }), engine.send({ messages: check })]
  await until(() => notified.length >= 4)
  const [three, four] = notified.slice(2) as [(typeof notified)[0], (typeof notified)[0]]
  three.peer.socket.destroy()
  await until(() => engine.stats.connections <= 1)
  four.peer.send(ack(three.ids), ack(four.ids))
  assert.deepEqual(count(await Promise.all(more)), { 0: 2 })
})

test('async: when no connection is left, 257', async (t) => {
  const agent = await startAgent(t, async (peer) => {
    await peer.greet('pipelining,async')
    await peer.frame()
    peer.socket.destroy()
  })
  const engine = createEngine({ servers: [agent.address], capabilities: ['pipelining', 'async'] })
  t.after(() => engine.destroy())
  assert.equal((await engine.send({ messages: check })).status, 257)
})

test('unix sockets, in each profile', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-engine-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'agent.sock')
  const server = createServer((socket) => void answering(new AgentPeer(socket)))
  await new Promise<void>((resolve) => server.listen(path, resolve))
  t.after(() => server.close())
  for (const profile of ['default', '2.6', '3.x'] as const) {
    const engine = createEngine({ servers: [path], profile })
    assert.deepEqual(engine.servers, [`unix@${path}`])
    assert.equal((await engine.send({ messages: check })).status, 0)
    await engine.close()
  }
})

test('deadlines of different lengths end when they should, in any order', async (t) => {
  const agent = await startAgent(t, async (peer) => {
    await peer.greet()
  })
  const engine = createEngine({ servers: [agent.address] })
  t.after(() => engine.destroy())
  const ended: number[] = []
  const timeouts = [90, 30, 60, 30.4, 90, 31]
  await Promise.all(
    timeouts.map(async (timeout) => {
      const { status, processTime } = await engine.send({ messages: check, timeout })
      assert.equal(status, 1)
      assert.ok(processTime >= timeout - 1, `${processTime} of ${timeout}`)
      ended.push(timeout)
    }),
  )
  // Those of one millisecond may end in one turn.
  assert.deepEqual(
    ended.map((timeout) => timeout - (timeout % 30)),
    [30, 30, 30, 60, 90, 90],
  )
})

test('callbacks may ask again, cancel others and destroy the engine', async (t) => {
  const agent = await startAgent(t, answering)
  const engine = createEngine({ servers: [agent.address] })
  const statuses: number[] = []
  let again = false
  await new Promise<void>((resolve) => {
    const others = Array.from({ length: 5 }, () =>
      engine.exchange(check, 1000, ({ status }) => {
        statuses.push(status)
        for (const other of others) other.cancel()
        if (statuses.length !== 5 || again) return
        again = true
        engine.exchange(check, 1000, (last) => {
          statuses.push(last.status)
          engine.destroy()
          resolve()
        })
      }),
    )
  })
  assert.deepEqual(statuses, [0, 5, 5, 5, 5, 0])
  await engine.close()
})

test('what one turn asks may share a connection as long as that has room, the next turn takes the least busy one', async (t) => {
  const taken: number[] = []
  const held: (() => void)[] = []
  const agent = await startAgent(t, async (peer) => {
    await peer.greet()
    const number = agent.peers.indexOf(peer)
    peer.onFrame((each) => {
      if (each.type !== 3) return
      taken.push(number)
      held.push(() => peer.send(ack(each.ids)))
    })
  })
  await using engine = createEngine({
    servers: [agent.address],
    maxWaitingFrames: 4,
    maxConnections: 3,
    processingTimeout: 5000,
    turn: 'share',
  })
  const outcomes: Promise<Outcome>[] = []
  const ask = async (number: number): Promise<number[]> => {
    const before = taken.length
    for (let each = 0; each < number; each++) outcomes.push(engine.send({ messages: check }))
    await until(() => taken.length === before + number)
    return taken.slice(before)
  }
  const answerAll = async (): Promise<void> => {
    for (const answer of held.splice(0)) answer()
    await Promise.all(outcomes)
  }
  await ask(12)
  await answerAll()
  assert.equal(engine.stats.connections, 3)
  const [one, ...others] = await ask(3)
  assert.deepEqual(others, [one, one])
  // The first has three: the next turn fills another, and then goes back to whichever has least.
  const second = await ask(6)
  const most = second.filter((number) => number !== one)
  assert.equal(most.length, 6)
  assert.deepEqual(
    [...new Set(most)].map((number) => most.filter((each) => each === number).length).sort((a, b) => a - b),
    [2, 4],
  )
  await answerAll()
})
