/** Connections and agents from their beginning to their end: limits, timeouts, draining, closing, peers that vanish. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { PassThrough } from 'node:stream'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAgent } from 'sluice/agent'
import {
  ack,
  agentHello,
  healthCheck,
  hello,
  hex,
  notify,
  notifyStart,
  Peer,
  readDisconnect,
} from '../support/peer.ts'
import { until } from '../support/until.ts'
import { deferred, MemoryLogger, stage } from './support.ts'

describe('a peer that does not read', () => {
  it('is not read from either, and loses nothing when it reads again', async (t) => {
    const count = 4000
    const { open, agent } = await stage(t, { maxPendingOutput: 100_000 }, (it) =>
      it.message('m', (_, actions) => void actions.setVar('txn', 'x', 'y'.repeat(15_000))),
    )
    const peer = await open()
    peer.socket.pause()
    // All of them fit one chunk or two, and their answers are 60 MB.
    peer.send(...Array.from({ length: count }, () => notify('01 01', '01 "m" 00')))
    let last = -1
    await until(() => {
      const { acks } = agent.stats.frames
      const same = acks === last && acks > 0
      last = acks
      return same
    })
    assert.ok(last < count, `${last} of ${count} are answered`)
    peer.socket.resume()
    const answers = await peer.frames(count)
    assert.ok(answers.every((each) => each.length === answers[0]?.length))
    assert.equal(agent.stats.frames.acks, count)
    assert.deepEqual(await peer.ask(notify('02 01')), ack('02 01'))
  })

  it('a limit under what a stream calls full does not stop it for good', async (t) => {
    const { open } = await stage(t, { maxPendingOutput: 1 }, (it) =>
      it.message('m', (_, actions) => void actions.setVar('txn', 'x', 'y'.repeat(15_000))),
    )
    const peer = await open()
    peer.socket.pause()
    peer.send(...Array.from({ length: 2000 }, () => notify('01 01', '01 "m" 00')))
    await sleep(20)
    peer.socket.resume()
    await peer.frames(2000)
  })

  it('is cut off by close() after closeTimeout', async (t) => {
    const { open, agent } = await stage(t, { maxPendingOutput: 100_000, closeTimeout: 50 }, (it) =>
      it.message('m', (_, actions) => void actions.setVar('txn', 'x', 'y'.repeat(15_000))),
    )
    const peer = await open()
    peer.socket.pause()
    peer.send(...Array.from({ length: 3000 }, () => notify('01 01', '01 "m" 00')))
    await until(() => agent.stats.frames.acks > 100)
    await agent.close()
    await until(() => agent.stats.connections.active === 0)
  })
})

describe('timeouts', () => {
  it('a peer that does not say HELLO is sent away, and bytes alone do not help it', async (t) => {
    const { connect, open, agent } = await stage(t, { handshakeTimeout: 100 })
    const [silent, trickling] = [await connect(), await connect()]
    const good = await open()
    let at = 0
    const trickle = setInterval(() => trickling.send(hello().subarray(at, ++at)), 20)
    t.after(() => clearInterval(trickle))
    assert.deepEqual((await silent.farewell()).status, 2)
    assert.match((await trickling.farewell()).message, /no HAPROXY-HELLO in time: after 100 ms/)
    assert.deepEqual(await good.ask(notify('01 01')), ack('01 01'))
    assert.deepEqual(agent.stats.errors, { ERR_AGENT_HANDSHAKE_TIMEOUT: 2 })
  })

  it('0 is forever', async (t) => {
    const { connect } = await stage(t, { handshakeTimeout: 0 })
    const silent = await connect()
    await sleep(700) // longer than connections are looked after
    assert.deepEqual(await silent.greet(), agentHello())
  })
})

describe('who may connect', () => {
  it('allowedPeers lets these in and no others', async (t) => {
    const { agent, port } = await stage(t, { allowedPeers: ['127.0.0.2', '127.0.1.0/24', '::1'] })
    for (const [localAddress, allowed] of [
      ['127.0.0.1', false],
      ['127.0.0.2', true],
      ['127.0.1.77', true],
      ['127.0.2.1', false],
    ] as const) {
      const peer = new Peer(connect({ port, host: '127.0.0.1', localAddress }))
      t.after(() => peer.close())
      if (allowed) assert.deepEqual(await peer.greet(), agentHello())
      else await assert.rejects(peer.greet(), /gone/)
    }
    assert.equal(agent.stats.connections.refused, 2)
    assert.deepEqual(agent.stats.errors, { ERR_AGENT_PEER_REFUSED: 2 })
  })

  it('ranges that are none are refused at once', () => {
    assert.throws(() => createAgent({ allowedPeers: ['10.0.0.0/33'] }), { code: 'ERR_SLUICE_ADDRESS' })
  })

  it('at maxConnections the listener closes, and opens again when there is room, many times', async (t) => {
    const { connect, open, agent } = await stage(t, { maxConnections: 10 })
    for (let round = 0; round < 5; round++) {
      const peers = await Promise.all(Array.from({ length: 10 }, () => open()))
      await assert.rejects(connect(), { code: 'ECONNREFUSED' })
      for (const peer of peers) peer.close()
      await until(() => agent.stats.connections.active === 0)
      await sleep(2)
    }
    assert.equal(agent.stats.connections.accepted, 50)
  })

  it('connections that the kernel had taken before the listener closed are closed without a frame', async (t) => {
    const { agent, port } = await stage(t, { maxConnections: 5 })
    const peers = Array.from({ length: 40 }, () => new Peer(connect({ port, host: '127.0.0.1' })))
    t.after(() => peers.forEach((peer) => peer.close()))
    const results = await Promise.allSettled(peers.map((peer) => peer.greet()))
    const served = results.filter(({ status }) => status === 'fulfilled')
    assert.equal(served.length, 5)
    assert.equal(agent.stats.connections.active, 5)
    for (const peer of peers) assert.equal(peer.unread, 0)
  })
})

describe('health and draining', () => {
  it('drain() fails health checks with status 13 while NOTIFYs are served', async (t) => {
    const { connect, open, agent } = await stage(t, {}, (it) =>
      it.message('m', (_, actions) => void actions.setVar('txn', 'x', 1)),
    )
    const peer = await open()
    assert.equal(agent.ready, true)
    agent.drain()
    assert.equal(agent.ready, false)
    const check = await connect()
    const { status, message } = readDisconnect(await check.ask(healthCheck))
    assert.deepEqual({ status, message }, { status: 13, message: 'not ready' })
    assert.equal(await check.ended(), 'end')
    assert.deepEqual(await peer.ask(notify('01 01', '01 "m" 00')), ack('01 01', '01 03 02 01 "x" 04 01'))
    const late = await open()
    assert.deepEqual(await late.ask(notify('01 01')), ack('01 01'), 'and new connections are taken')
  })

  it('the application may say that it is not ready', async (t) => {
    let ready = false
    const { connect } = await stage(t, { ready: () => ready })
    assert.equal(readDisconnect(await (await connect()).ask(healthCheck)).status, 13)
    ready = true
    assert.equal((await (await connect()).ask(healthCheck))[4], 0x65)
  })
})

describe('close()', () => {
  it('answers what is in flight and what is half here, says DISCONNECT 0, and ends', async (t) => {
    const gate = deferred()
    const { open, agent, connect } = await stage(t, {}, (it) => it.message('m', () => gate.promise))
    const [busy, idle, fragment, half] = [await open(), await open(), await open(), await open()]
    const unsaid = await connect()
    await connect().then((peer) => peer.greet(healthCheck))
    busy.send(notify('01 01', '01 "m" 00'))
    fragment.send(notifyStart('01 01', '01 "x"'))
    half.send(notify('01 01').subarray(0, 5))
    await until(() => agent.stats.inFlight === 1 && agent.stats.frames.received >= 7)
    const closing = agent.close()
    assert.deepEqual(await idle.farewell(), { status: 0, message: 'normal' })
    assert.equal(await idle.ended(), 'end')
    await unsaid.ended()
    gate.resolve()
    assert.deepEqual(await busy.frame(), ack('01 01'))
    assert.deepEqual(await busy.farewell(), { status: 0, message: 'normal' })
    fragment.send(hex('00000008 00 00000001 01 01 00'))
    assert.deepEqual(await fragment.frame(), ack('01 01'))
    assert.deepEqual(await fragment.farewell(), { status: 0, message: 'normal' })
    half.send(notify('01 01').subarray(5))
    assert.deepEqual(await half.frame(), ack('01 01'))
    assert.deepEqual(await half.farewell(), { status: 0, message: 'normal' })
    await closing
    assert.equal(agent.stats.connections.active, 0)
    await assert.rejects(agent.listen('127.0.0.1:0'), { code: 'ERR_SLUICE_CLOSED' })
  })

  it('waits no longer than closeTimeout: handlers see their signal, connections are cut', async (t) => {
    let reason: unknown
    const { open, agent } = await stage(t, { closeTimeout: 40, deadline: 0 }, (it) =>
      it.message('m', (_, __, { signal }) => {
        signal.addEventListener('abort', () => (reason = signal.reason))
        return new Promise(() => {})
      }),
    )
    const peer = await open()
    peer.send(notify('01 01', '01 "m" 00'))
    await until(() => agent.stats.inFlight === 1)
    await agent.close()
    await peer.ended()
    await until(() => reason !== undefined)
    assert.equal((reason as { code: string }).code, 'ERR_AGENT_CLOSED')
    assert.equal(agent.stats.inFlight, 0)
  })

  it('called twice is one closing, and all wait for its end', async (t) => {
    const gate = deferred()
    const { open, agent } = await stage(t, {}, (it) => it.message('m', () => gate.promise))
    const peer = await open()
    peer.send(notify('01 01', '01 "m" 00'))
    await until(() => agent.stats.inFlight === 1)
    let over = 0
    const both = [agent.close(), agent.close()].map((closing) => closing.then(() => over++))
    await sleep(10)
    assert.equal(over, 0)
    gate.resolve()
    peer.end()
    await Promise.all(both)
  })

  it('while listen() waits leaves nothing open', async () => {
    const agent = createAgent()
    const listening = agent.listen('127.0.0.1:0')
    const closing = agent.close()
    await assert.rejects(listening, { code: 'ERR_SLUICE_CLOSED' })
    await closing
    assert.deepEqual(agent.addresses, [])
  })

  it('is what `await using` does', async () => {
    let outer
    let port = 0
    {
      await using agent = createAgent({ closeDelay: 1 })
      outer = agent
      const address = await agent.listen('127.0.0.1:0')
      port = address.type === 'tcp' ? address.port : 0
      const peer = await Peer.connect({ port })
      await peer.greet()
      peer.end()
    }
    assert.equal(outer.stats.connections.active, 0)
    await assert.rejects(Peer.connect({ port }), { code: 'ECONNREFUSED' })
    assert.throws(() => outer.accept(new PassThrough()), { code: 'ERR_SLUICE_CLOSED' })
  })

  it('destroy() is at once', async (t) => {
    const { open, agent } = await stage(t, {}, (it) => it.message('m', () => new Promise(() => {})))
    const peer = await open()
    peer.send(notify('01 01', '01 "m" 00'))
    await until(() => agent.stats.inFlight === 1)
    agent.destroy()
    await peer.ended()
    await agent.close()
    await until(() => agent.stats.inFlight === 0)
  })
})

describe('peers that vanish', () => {
  it('handlers are told, their results are late, and nothing stays', async (t) => {
    const gate = deferred()
    const reasons: unknown[] = []
    const logger = new MemoryLogger()
    const { open, agent } = await stage(t, { logger }, (it) =>
      it.message('m', async (_, actions, { signal }) => {
        signal.addEventListener('abort', () => reasons.push((signal.reason as { code: string }).code))
        await gate.promise
        assert.equal(actions.setVar('txn', 'x', 1), false)
      }),
    )
    const peer = await open()
    peer.send(...Array.from({ length: 5 }, (_, id) => notify(`0${id} 01`, '01 "m" 00')))
    await until(() => agent.stats.inFlight === 5)
    peer.reset()
    await until(() => reasons.length === 5)
    assert.equal(agent.stats.inFlight, 0)
    gate.resolve()
    await until(() => agent.stats.messages.get('m')?.late === 5)
    assert.deepEqual([...new Set(reasons)], ['ERR_AGENT_CLOSED'])
    assert.deepEqual(agent.stats.errors, {})
    assert.deepEqual(logger.troubles, [])
  })

  it('with async the answer leaves on another connection of the same engine', async (t) => {
    const gate = deferred()
    const { open, agent } = await stage(t, { async: true }, (it) => it.message('m', () => gate.promise))
    const [asking, sibling] = [await open(), await open()]
    const stranger = await open(hello({ engine: '09 "engine-id" 08 01 "x"' }))
    asking.send(notify('07 01', '01 "m" 00'))
    await until(() => agent.stats.inFlight === 1)
    asking.reset()
    await until(() => agent.stats.connections.active === 2)
    assert.equal(agent.stats.inFlight, 1)
    gate.resolve()
    assert.deepEqual(await sibling.frame(), ack('07 01'))
    assert.equal(stranger.unread, 0)
    assert.equal(agent.stats.inFlight, 0)
  })

  it('without async, or without a sibling, it does not', async (t) => {
    for (const async of [true, false]) {
      const { open, agent } = await stage(t, { async }, (it) => it.message('m', () => new Promise(() => {})))
      const asking = await open()
      const other = await open(async ? hello({ engine: '09 "engine-id" 08 01 "x"' }) : hello())
      asking.send(notify('07 01', '01 "m" 00'))
      await until(() => agent.stats.inFlight === 1)
      asking.reset()
      await until(() => agent.stats.inFlight === 0)
      assert.deepEqual(await other.ask(notify('01 01')), ack('01 01'))
    }
  })
})
