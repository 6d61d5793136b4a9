/** What an agent must do to work with HAProxy 1.8.10 to 3.5: fourteen points, each with its test, in bytes. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAgent } from 'sluice/agent'
import {
  ack,
  agentHello,
  frame,
  haproxyDisconnect,
  healthCheck,
  hello,
  hex,
  notify,
  notifyStart,
  readDisconnect,
  unset,
  unsetFin,
} from '../support/peer.ts'
import { until } from '../support/until.ts'
import { deferred, MemoryLogger, SpySocket, stage } from './support.ts'

describe('checklist', () => {
  it('point 1: HELLO is answered with version 2.0, the smaller frame size, and capabilities even when empty', async (t) => {
    const { connect } = await stage(t)
    assert.deepEqual(await (await connect()).greet(), agentHello('pipelining,fragmentation', 'fc f0 06'))
    const small = hello({ size: '0e "max-frame-size" 03 fc 2f' }) // 252 + 47 * 16 = 1004
    assert.deepEqual(await (await connect()).greet(small), agentHello('pipelining,fragmentation', 'fc 2f'))
    const bare = await stage(t, { pipelining: false, fragmentation: false, maxFrameSize: 1004 })
    assert.deepEqual(await (await bare.connect()).greet(), agentHello('', 'fc 2f'))
  })

  it('point 2: async is never announced by itself, fragmentation always is, pipelining when both have it', async (t) => {
    const { connect } = await stage(t)
    const withAsync = hello({ capabilities: '0c "capabilities" 08 10 "pipelining,async"' })
    assert.deepEqual(await (await connect()).greet(withAsync), agentHello('pipelining,fragmentation'))
    const without = hello({ capabilities: '0c "capabilities" 08 00' })
    assert.deepEqual(await (await connect()).greet(without), agentHello('fragmentation'))
    const asked = await stage(t, { async: true })
    assert.deepEqual(
      await (await asked.connect()).greet(withAsync),
      agentHello('pipelining,fragmentation,async'),
    )
    assert.deepEqual(await (await asked.connect()).greet(without), agentHello('fragmentation'))
  })

  it('point 3: one socket write per frame, HELLO included, and one for all frames of a turn', async () => {
    const agent = createAgent()
    agent.message('m', () => {})
    agent.message('later', async () => {})
    const socket = new SpySocket()
    agent.accept(socket)
    socket.arrive(hello())
    await until(() => socket.writes.length > 0)
    assert.deepEqual(socket.writes, [agentHello()])
    socket.arrive(notify('01 01', '01 "m" 00'))
    await until(() => socket.writes.length > 1)
    assert.deepEqual(socket.writes.slice(1), [ack('01 01')])
    const three = [notify('02 01', '01 "m" 00'), notify('03 01', '01 "m" 00'), notify('04 01', '01 "m" 00')]
    socket.arrive(...three)
    await until(() => socket.writes.length > 2)
    assert.deepEqual(socket.writes.slice(2), [Buffer.concat([ack('02 01'), ack('03 01'), ack('04 01')])])
    socket.arrive(notify('05 01', '05 "later" 00'), notify('06 01', '05 "later" 00'))
    await until(() => socket.writes.length > 3)
    assert.deepEqual(socket.writes.slice(3), [Buffer.concat([ack('05 01'), ack('06 01')])])
    agent.destroy()
  })

  it('point 4: a health check gets all three keys, and is no client; a reset after it is normal', async (t) => {
    const logger = new MemoryLogger()
    const { agent, connect } = await stage(t, { logger })
    const expected = hex(`00000043 65 00000001 0000 07 "version" 08 03 "2.0" 0e "max-frame-size" 03 fc f0 06
      0c "capabilities" 08 0d "fragmentation"`)
    const first = await connect()
    assert.deepEqual(await first.greet(healthCheck), expected)
    first.reset()
    const second = await connect()
    assert.deepEqual(await second.greet(healthCheck), expected)
    assert.equal(await second.ended(), 'end', 'the agent closes by itself')
    second.end()
    await until(() => agent.stats.connections.active === 0)
    const { accepted, healthChecks, reset } = agent.stats.connections
    assert.deepEqual({ accepted, healthChecks, reset }, { accepted: 0, healthChecks: 2, reset: 0 })
    assert.deepEqual(logger.troubles, [])
    assert.deepEqual(agent.stats.errors, {})
  })

  it('point 5: stream-id 0 is a stream, and ids up to 2^64-1 come back unchanged', async (t) => {
    const { open } = await stage(t)
    const peer = await open()
    const ids = [
      '00 01',
      'ef f0 00', // 239, 240
      'ff 7f ff ff 7f', // 2287, 264431
      'ff ef fe fe fe fe fe fe 0e 01', // 2^60 - 1 or so: over what a number holds
      'ff f0 fe fe fe fe fe fe fe 0e ff f0 fe fe fe fe fe fe fe 0e', // 2^64 - 1, twice
    ]
    for (const each of ids) assert.deepEqual(await peer.ask(notify(each)), ack(each), each)
  })

  it('point 6: an ACK has FIN, is whole, and never exceeds the negotiated size', async (t) => {
    const { open, agent } = await stage(t, {}, (it) =>
      it.message('m', (_, actions) => {
        for (let count = 0; count < 50; count++) actions.setVar('txn', 'x', 'y'.repeat(40))
      }),
    )
    const peer = await open(hello({ size: '0e "max-frame-size" 03 f0 01' })) // 256
    const answer = await peer.ask(notify('01 01', '01 "m" 00'))
    const action = `01 03 02 01 "x" 08 28 "y"*40`
    // 7 bytes of head and 47 of each action: five fit.
    assert.deepEqual(answer, ack('01 01', Array.from({ length: 5 }, () => action).join(' ')))
    assert.ok(answer.length - 4 <= 256)
    assert.equal(agent.stats.errors['ERR_AGENT_ACK_TOO_BIG'], 1)
  })

  it('point 7: everything is acknowledged: throwing, rejecting, too slow, unknown, no message at all', async (t) => {
    const { open } = await stage(t, { deadline: 20 }, (agent) => {
      agent.message('throws', () => {
        throw new Error('sync')
      })
      agent.message('rejects', async () => {
        throw new Error('async')
      })
      agent.message('hangs', () => new Promise(() => {}))
      agent.message('typed', { ip: 'ip' }, () => {})
    })
    const peer = await open()
    for (const payload of [
      '06 "throws" 00',
      '07 "rejects" 00',
      '05 "hangs" 00',
      '05 "typed" 00',
      '07 "unknown" 00',
      '',
    ]) {
      assert.deepEqual(await peer.ask(notify('01 01', payload)), ack('01 01'), payload)
    }
  })

  it('point 8: a deadline of its own answers in time, and late results are dropped and counted', async (t) => {
    const late = deferred()
    const { open, agent } = await stage(t, { deadline: 15 }, (it) =>
      it.message('m', async (_, actions) => {
        actions.setVar('txn', 'early', true)
        await late.promise
        assert.equal(actions.setVar('txn', 'x', 1), false)
      }),
    )
    const peer = await open()
    assert.deepEqual(await peer.ask(notify('01 01', '01 "m" 00')), ack('01 01'))
    late.resolve()
    await until(() => agent.stats.messages.get('m')?.late === 1)
    assert.equal(agent.stats.messages.get('m')?.deadlines, 1)
    assert.equal(agent.stats.inFlight, 0)
    assert.deepEqual(await peer.ask(notify('02 01')), ack('02 01'), 'nothing came in between')
  })

  it('point 9: on stop, ACKs first, then DISCONNECT 0, then the end, a little later', async (t) => {
    const work = deferred()
    const { open, agent, connect } = await stage(t, { closeDelay: 60 }, (it) =>
      it.message('m', async (_, actions) => {
        await work.promise
        actions.setVar('sess', 'x', 1)
      }),
    )
    const peer = await open()
    peer.send(notify('01 01', '01 "m" 00'))
    await until(() => agent.stats.inFlight === 1)
    const closing = agent.close()
    await assert.rejects(connect(), { code: 'ECONNREFUSED' })
    assert.equal(peer.unread, 0, 'no DISCONNECT while something is in flight')
    work.resolve()
    assert.deepEqual(await peer.frame(), ack('01 01', '01 03 01 01 "x" 04 01'))
    assert.deepEqual(readDisconnect(await peer.frame()), { status: 0, message: 'normal' })
    const since = performance.now()
    assert.equal(await peer.ended(), 'end')
    assert.ok(performance.now() - since > 20, 'the end does not come with the DISCONNECT')
    peer.end()
    await closing
  })

  it('point 9: too many connections are refused by the kernel, not by a DISCONNECT', async (t) => {
    const { open, connect, agent } = await stage(t, { maxConnections: 2 })
    const first = await open()
    await open()
    await assert.rejects(connect(), { code: 'ECONNREFUSED' })
    first.close()
    await until(() => agent.stats.connections.active === 1)
    await sleep(5)
    assert.deepEqual(await (await open()).ask(notify('01 01')), ack('01 01'))
  })

  it('point 10: HAPROXY-DISCONNECT is answered and the connection ends; EOF and RST between frames are normal', async (t) => {
    const logger = new MemoryLogger()
    const { agent, open } = await stage(t, { logger })
    const polite = await open()
    assert.deepEqual(readDisconnect(await polite.ask(haproxyDisconnect)), { status: 0, message: 'normal' })
    assert.equal(await polite.ended(), 'end')
    polite.end()
    const timeout = await open() // status 2, as when HAProxy's idle timeout has passed
    const idle = frame('02 00000001 00 00 0b "status-code" 03 02 07 "message" 08 12 "a timeout occurred"')
    assert.equal(readDisconnect(await timeout.ask(idle)).status, 0)
    timeout.end()
    const leaving = await open()
    leaving.end()
    assert.equal(await leaving.ended(), 'end')
    const resetting = await open()
    resetting.reset()
    await until(() => agent.stats.connections.active === 0)
    assert.deepEqual(agent.stats.errors, {})
    assert.equal(agent.stats.connections.reset, 1)
    assert.deepEqual(logger.troubles, ['HAProxy closed the connection'], 'the timeout is told')
  })

  it('point 11: no message, several, repeated names, unnamed and repeated arguments, NULL', async (t) => {
    const seen: unknown[] = []
    const { open } = await stage(t, {}, (agent) => {
      agent.otherwise((message, actions) => {
        seen.push([
          message.name,
          message.args.map(([name, data]) => [name, 'value' in data ? data.value : null]),
        ])
        actions.setVar('txn', `n${seen.length}`, seen.length)
      })
    })
    const peer = await open()
    assert.deepEqual(await peer.ask(notify('00 01')), ack('00 01'))
    const captured = `02 "m1" 04  00 08 01 "a"  00 04 01  01 "k" 11  01 "k" 00
      02 "m2" 00
      02 "m1" 01  01 "k" 04 ff f0 fe fe fe fe fe fe fe 0e`
    assert.deepEqual(
      await peer.ask(notify('00 02', captured.replaceAll('\n', ' '))),
      ack('00 02', '01 03 02 02 "n1" 04 01  01 03 02 02 "n2" 04 02  01 03 02 02 "n3" 04 03'),
    )
    assert.deepEqual(seen, [
      [
        'm1',
        [
          ['', 'a'],
          ['', 1],
          ['k', true],
          ['k', null],
        ],
      ],
      ['m2', []],
      ['m1', [['k', -1]]],
    ])
  })

  it('point 12: fragments are joined by their ids, an aborted NOTIFY is dropped without an ACK', async (t) => {
    const { open, agent } = await stage(t, {}, (it) =>
      it.message('m', { a: 'string' }, ({ a }, actions) => void actions.setVar('txn', 'x', a)),
    )
    const peer = await open()
    peer.send(notifyStart('07 01', '01 "m" 01 01 "a" 08 06 "abc"'), unset('07 01', '"d"'), unset('07 01'))
    assert.deepEqual(
      await peer.ask(unsetFin('07 01', '"ef"')),
      ack('07 01', '01 03 02 01 "x" 08 06 "abcdef"'),
    )
    peer.send(notifyStart('08 01', '01 "m" 01 01'), frame('00 00000003 08 01'))
    assert.deepEqual(await peer.ask(notify('09 01')), ack('09 01'), 'nothing was said about 8')
    assert.deepEqual(agent.stats.fragments, { joined: 1, aborted: 1 })
  })

  it('point 13: a burst of connections, one request each, is answered on all of them', async (t) => {
    const { agent, open } = await stage(t, {}, (it) => it.message('m', async () => {}))
    const peers = await Promise.all(Array.from({ length: 200 }, () => open()))
    const answers = await Promise.all(peers.map((peer) => peer.ask(notify('00 01', '01 "m" 00'))))
    for (const answer of answers) assert.deepEqual(answer, ack('00 01'))
    assert.equal(agent.stats.connections.accepted, 200)
  })

  it('point 14: an idle connection is closed only when nothing is in flight, and politely', async (t) => {
    const work = deferred()
    const { agent, open } = await stage(t, { idleTimeout: 100, deadline: 0 }, (it) =>
      it.message('m', () => work.promise),
    )
    const peer = await open()
    const silent = await open()
    peer.send(notify('01 01', '01 "m" 00'))
    assert.deepEqual(await silent.farewell(), { status: 0, message: 'normal' })
    assert.equal(await silent.ended(), 'end')
    assert.equal(peer.over, undefined)
    work.resolve()
    assert.deepEqual(await peer.frame(), ack('01 01'))
    assert.deepEqual(await peer.farewell(), { status: 0, message: 'normal' })
    assert.equal(agent.stats.errors['ERR_AGENT_IDLE_TIMEOUT'], 2)
  })
})
