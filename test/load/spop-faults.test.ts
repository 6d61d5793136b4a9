/** What goes wrong, at the agent's end and on purpose at ours. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { noFaults } from '#src/load/load.js'
import {
  ack,
  agentDisconnect,
  frame,
  startAgent,
  type AgentPeer,
  type Script,
} from '../engine/scripted-agent.ts'
import { loadOptions, openPlan, runLoad } from './run.ts'

/** What an agent does with the NOTIFY of that number, from 1, of a connection. */
type Deed = (peer: AgentPeer, ids: string, count: number) => void

const doing =
  (deed: Deed, seen: Buffer[] = []): Script =>
  async (peer) => {
    await peer.greet()
    peer.mannered = false
    let count = 0
    peer.onFrame((each) => {
      seen.push(Buffer.from(each.hex, 'hex'))
      if (each.type === 3) deed(peer, each.ids, ++count)
    })
  }

// Most of the time is waited.
describe('faults', { concurrency: 6 }, () => {
  const ends: readonly (readonly [
    name: string,
    deed: (peer: AgentPeer) => void,
    status: number,
    words: RegExp,
  ])[] = [
    ['closes', (peer) => peer.socket.end(), 257, /closed or reset the connection/],
    ['resets', (peer) => peer.socket.resetAndDestroy(), 257, /closed or reset the connection/],
    [
      'says DISCONNECT 2',
      (peer) => peer.socket.end(Buffer.from(agentDisconnect(2), 'hex')),
      258,
      /DISCONNECT 2: a timeout occurred/,
    ],
    [
      'says DISCONNECT 0',
      (peer) => peer.socket.end(Buffer.from(agentDisconnect(0), 'hex')),
      256,
      /DISCONNECT 0: normal/,
    ],
    ['sends an impossible length', (peer) => peer.send('7fffffff00000000'), 260, /invalid frame/],
    [
      'sends a frame of another kind',
      (peer) => peer.send(frame('03 00000001 01 01 00')),
      260,
      /invalid frame/,
    ],
    ['sends an ACK without FIN', (peer) => peer.send(frame('67 00000000 01 01')), 266, /fragmentation/],
    ['ends an ACK within its ids', (peer) => peer.send(frame('67 00000001 f0 80')), 260, /invalid frame/],
  ]

  for (const [name, deed, status, words] of ends) {
    test(`an agent ${name}: what waits fails with st=${status}, and another connection is made`, async (t) => {
      let connections = 0
      let answersOfSecond = 0
      const script = doing((peer, ids, count) => {
        // The first connection answers ten, and ends with five unanswered.
        if (connections === 1 && count > 10) {
          if (count === 15) deed(peer)
        } else peer.send(ack(ids))
        if (connections === 2) answersOfSecond++
      })
      const agent = await startAgent(t, (peer) => {
        connections++
        return script(peer)
      })
      const result = await runLoad(agent.port, { inFlight: 5 }, () => answersOfSecond > 10)
      assert.deepEqual(
        result.failures.map((each) => [each.status, each.count]),
        [[status, 5]],
      )
      assert.match(result.failures[0]?.words ?? '', words)
      assert.ok(result.counts.answers > 10)
      assert.deepEqual([result.counts.connections, result.counts.dropped, connections], [2, 1, 2])
      assert.equal(result.errors, 5)
    })
  }

  test('what HAProxy would say to an agent that breaks the protocol is said', async (t) => {
    const seen: Buffer[] = []
    const agent = await startAgent(
      t,
      doing((peer, ids, count) => (count === 3 ? peer.send('7fffffff00000000') : peer.send(ack(ids))), seen),
    )
    await runLoad(agent.port, {}, () => seen.some((each) => each[4] === 2))
    // HAPROXY-DISCONNECT with status-code 4.
    const said = seen.find((each) => each[4] === 2)?.toString('latin1') ?? ''
    assert.ok(said.includes('\x0bstatus-code\x03\x04'), said)
  })

  test('an agent that refuses HELLO, says nothing, or is not there, ends the run with its words', async (t) => {
    const refusing = await startAgent(t, async (peer) => {
      await peer.frame()
      peer.socket.end(Buffer.from(agentDisconnect(8), 'hex'))
    })
    await assert.rejects(() => runLoad(refusing.port), /DISCONNECT 8: unsupported version/)
    const closing = await startAgent(t, (peer) => void peer.socket.end())
    await assert.rejects(() => runLoad(closing.port), /closed or reset the connection/)
    await assert.rejects(() => runLoad(1), /ECONNREFUSED/)
    const silent = await startAgent(t, async () => {})
    const target = { ...loadOptions(silent.port).target, connectTimeout: 50 }
    await assert.rejects(() => runLoad(silent.port, { target }), /no AGENT-HELLO within 50 ms/)
  })

  test('an open loop without a connection waits, and its time-outs are counted', async (t) => {
    let connections = 0
    const agent = await startAgent(t, async (peer) => {
      connections++
      await peer.greet()
      peer.onFrame((each) => {
        if (each.type !== 3) return
        peer.send(ack(each.ids))
        // From then on nobody is there.
        void agent.stop()
      })
    })
    const result = await runLoad(agent.port, { plan: openPlan(200, 400, { timeout: 100 }) })
    assert.equal(connections, 1)
    const failed = result.failures.reduce((sum, { count }) => sum + count, 0)
    assert.equal(result.counts.answers + failed, 80)
    assert.ok(result.failures.some(({ status, count }) => status === 1 && count > 40))
    assert.ok(result.counts.refused > 0)
  })

  test('--reset: each connection is reset after so many, and that is no error', async (t) => {
    const counts: number[] = []
    const ended: AgentPeer[] = []
    const agent = await startAgent(t, async (peer) => {
      const at = counts.push(0) - 1
      ended.push(peer)
      await doing((each, ids, count) => {
        counts[at] = count
        each.send(ack(ids))
      })(peer)
    })
    const faults = { ...noFaults, resetAfter: 20 }
    const result = await runLoad(agent.port, { inFlight: 4, faults }, () => counts.length > 3)
    for (const count of counts) assert.ok(count <= 24, String(count))
    assert.equal(result.errors, 0)
    assert.ok(result.counts.cut > 0)
    assert.equal(result.counts.answers + result.counts.cut, result.counts.sent)
    await Promise.all(ended.map((peer) => peer.closed))
    assert.ok(ended.every((peer) => peer.end === 'reset'))
  })

  test('--garbage: an agent that closes has noticed, one that does not has not', async (t) => {
    const faults = { ...noFaults, garbageAfter: 10 }
    let gotGarbage = 0
    const ignoring = await startAgent(t, async (peer) => {
      await doing((each, ids) => each.send(ack(ids)))(peer)
      peer.socket.on('data', (chunk: Buffer) => (gotGarbage += chunk.includes('GET / HTTP') ? 1 : 0))
    })
    // It waits for a frame of that length for ever.
    const blind = await runLoad(ignoring.port, { faults }, () => gotGarbage > 0)
    assert.deepEqual([blind.counts.garbage, blind.counts.garbageNoticed, blind.errors], [1, 0, 0])
    const closing = await startAgent(t, async (peer) => {
      await doing((each, ids) => each.send(ack(ids)))(peer)
      peer.socket.on('data', (chunk: Buffer) => {
        if (chunk.includes('GET / HTTP')) peer.socket.end()
      })
    })
    const seen = await runLoad(closing.port, { faults }, () => closing.peers.length === 2)
    assert.ok(seen.counts.garbage >= 1)
    assert.equal(seen.counts.garbageNoticed, 1)
  })

  test('--slice and --latency: the agent gets it in pieces and late, and answers all the same', async (t) => {
    const chunks: number[] = []
    let answers = 0
    const agent = await startAgent(t, async (peer) => {
      peer.socket.on('data', (chunk: Buffer) => chunks.push(chunk.length))
      await doing((each, ids) => {
        answers++
        each.send(ack(ids))
      })(peer)
    })
    const write = { slice: 5, latency: [30, 40] } as const
    const result = await runLoad(agent.port, { faults: { ...noFaults, write } }, () => answers > 2)
    assert.equal(result.counts.answers, answers)
    // The kernel may join pieces; that it joins all of them would need a machine that stands still.
    assert.ok(chunks.filter((size) => size === 5).length > 5, chunks.join(' '))
    assert.equal(result.errors, 0)
    assert.ok(result.service.min >= 29, String(result.service.min))
  })
})
