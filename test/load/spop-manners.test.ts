/** What an agent sees of a load, beside captures of HAProxy: HELLO, ids, the order of a stream's NOTIFYs, the end. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { haproxyHelloBytes } from 'sluice/testing'
import { splitArgument } from '#src/cli/probe-argument.js'
import { ack, setVar, startAgent, type AgentPeer, type RawFrame } from '../engine/scripted-agent.ts'
import { loadOptions, planOf, runLoad } from './run.ts'

/** An agent that answers, and keeps what it is sent. */
async function startKeeping(t: Parameters<typeof startAgent>[0]) {
  const frames: RawFrame[] = []
  const hellos: RawFrame[] = []
  const agent = await startAgent(t, async (peer) => {
    hellos.push(await peer.greet())
    peer.onFrame((frame) => {
      frames.push(frame)
      if (frame.type === 3) peer.send(ack(frame.ids, setVar('a', 7)))
    })
  })
  return { agent, frames, hellos }
}

const engineIdOf = (hello: RawFrame) => Buffer.from(hello.hex, 'hex').subarray(-36).toString()

test('HELLO is HAProxy’s, byte for byte', async (t) => {
  for (const [like, capabilities, engines] of [
    ['2.6', 'pipelining,async', 3],
    ['3.x', 'pipelining', 1],
  ] as const) {
    const { agent, hellos } = await startKeeping(t)
    await runLoad(agent.port, { like, plan: planOf({ connections: 3 }) }, () => hellos.length === 3)
    assert.equal(hellos.length, 3)
    for (const hello of hellos) {
      const engineId = engineIdOf(hello)
      assert.match(engineId, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
      const captured = haproxyHelloBytes({ capabilities, engineId, maxFrameSize: 16_380 })
      assert.equal(hello.hex, captured.toString('hex'))
    }
    assert.equal(new Set(hellos.map(engineIdOf)).size, engines)
  }
})

test('up to 3.0 a stream keeps its id and counts its frames; since 3.1 each NOTIFY has an odd id of its connection', async (t) => {
  const notifies = ['one', 'two'].map((name) => ({
    name,
    messages: [{ name, args: [splitArgument('s=int:{stream}'), splitArgument('n=int:{seq}')] }],
  }))
  for (const like of ['2.6', '3.x'] as const) {
    const { agent, frames } = await startKeeping(t)
    await runLoad(agent.port, { like, notifies, plan: planOf({ steps: 2 }) }, () => frames.length > 6)
    const ids = frames.filter(({ type }) => type === 3).map(({ streamId, frameId }) => [streamId, frameId])
    assert.ok(ids.length > 4)
    const wanted = ids.map((_, at) => (like === '2.6' ? [at >> 1, (at & 1) + 1] : [2 * at + 1, 1]))
    assert.deepEqual(ids, wanted)
    // `one` and `two` in turns, with the stream's number; SPOE.txt 3.1: below 240 an integer is one byte.
    const payloads = frames.slice(0, 6).map(({ payload }) => payload.toString('hex'))
    assert.deepEqual(
      payloads,
      [0, 1, 2, 3, 4, 5].map((at) => {
        const name = Buffer.from(at % 2 === 0 ? 'one' : 'two').toString('hex')
        return `03${name}02017304${byte(at >> 1)}016e04${byte(at)}`
      }),
    )
  }
})

const byte = (value: number) => value.toString(16).padStart(2, '0')

test('ids go on where they take more bytes', async (t) => {
  for (const like of ['2.6', '3.x'] as const) {
    const { agent, frames } = await startKeeping(t)
    const result = await runLoad(agent.port, { like, inFlight: 50 }, () => frames.length > 2400)
    const ids = frames.filter(({ type }) => type === 3).map(({ streamId }) => streamId)
    assert.deepEqual(
      ids,
      ids.map((_, at) => (like === '2.6' ? at : 2 * at + 1)),
    )
    assert.equal(result.counts.answers, ids.length)
  }
})

test('2.6 leaves with DISCONNECT and waits for the answer, 3.x resets', async (t) => {
  for (const like of ['2.6', '3.x'] as const) {
    let peer: AgentPeer | undefined
    const agent = await startAgent(t, async (each) => {
      peer = each
      await each.greet()
      each.onFrame((frame) => {
        farewells.push(frame.hex)
        if (frame.type === 3) each.send(ack(frame.ids))
      })
    })
    const farewells: string[] = []
    await runLoad(agent.port, { like }, () => farewells.length > 1)
    await peer?.closed
    const captured = '000000250200000001000' + '00b7374617475732d636f64650300076d65737361676508066e6f726d616c'
    if (like === '2.6') assert.equal(farewells.at(-1), captured)
    else assert.match(farewells.at(-1) ?? '', /^.{8}03/)
    assert.equal(peer?.end, like === '2.6' ? 'fin' : 'reset')
  }
})

test('a cold start makes all connections at once, and those beyond are closed after one answer', async (t) => {
  const { agent, frames, hellos } = await startKeeping(t)
  const plan = planOf({ connections: 2, coldConnections: 12 })
  const isOver = () => frames.filter(({ type }) => type === 2).length === 10
  const result = await runLoad(agent.port, { like: '2.6', inFlight: 3, plan }, isOver)
  assert.equal(hellos.length, 12)
  assert.equal(result.cold.count, 12)
  assert.ok(result.cold.min > 0 && result.cold.max >= result.cold.p50)
  assert.equal(frames.filter(({ type }) => type === 2).length, 12)
  assert.equal(result.errors, 0)
})

test('an answer on another connection is one for an agent that announces async to 2.6, and for no other', async (t) => {
  // Since 3.1 ids belong to their connection: on another one the same id is another exchange.
  for (const [capabilities, isTaken] of [
    ['pipelining,async', true],
    ['pipelining', false],
  ] as const) {
    const greeted: AgentPeer[] = []
    let crossed = 0
    const agent = await startAgent(t, async (peer) => {
      await peer.greet(capabilities)
      greeted.push(peer)
      peer.onFrame((frame) => {
        if (frame.type !== 3) return
        const other = greeted.find((each) => each !== peer && !each.socket.destroyed)
        // Every third answer goes astray, once there are two.
        if (other === undefined || frame.streamId % 3 !== 0) return peer.send(ack(frame.ids))
        crossed++
        other.send(ack(frame.ids))
      })
    })
    const plan = planOf({ connections: 2, timeout: 300 })
    const result = await runLoad(agent.port, { like: '2.6', inFlight: 4, plan }, () => crossed > 5)
    assert.equal(result.counts.stray > 0, !isTaken, capabilities)
    if (isTaken) assert.deepEqual([result.errors, result.counts.answers], [0, result.counts.sent])
    else assert.ok(result.counts.lost > 0)
  }
})

test('an agent without pipelining gets one NOTIFY at a time on each connection', async (t) => {
  let most = 0
  let answers = 0
  const agent = await startAgent(t, async (peer) => {
    await peer.greet('')
    let waiting = 0
    peer.onFrame((frame) => {
      if (frame.type !== 3) return
      most = Math.max(most, ++waiting)
      setTimeout(() => {
        waiting--
        answers++
        peer.send(ack(frame.ids))
      }, 5)
    })
  })
  await runLoad(agent.port, { inFlight: 20 }, () => answers > 5)
  assert.equal(most, 1)
})

test('to an agent that takes fragments 2.6 cuts what is too large, as HAProxy does', async (t) => {
  const text = 'abcdefghij'.repeat(60)
  const [sizes, joined] = [[] as number[], [] as string[]]
  const agent = await startAgent(t, async (peer) => {
    // `max-frame-size` 256.
    await peer.greet('pipelining,fragmentation', 'f001')
    let parts: Buffer[] = []
    peer.onFrame((frame) => {
      if (frame.type > 3 || frame.type === 2) return
      if (parts.length > 0) assert.equal(frame.type, 0)
      parts.push(frame.payload)
      sizes.push(frame.hex.length / 2 - 4)
      if (frame.flags === 0) return
      joined.push(Buffer.concat(parts).toString('latin1'))
      parts = []
      peer.send(ack(frame.ids))
    })
  })
  for (const value of [text, `${text}{hex:8}`]) {
    const args = [splitArgument(`a=str:${value}`)]
    const notifies = [{ name: 'm', messages: [{ name: 'm', args }] }]
    joined.length = 0
    const result = await runLoad(agent.port, { like: '2.6', notifies, inFlight: 3 }, () => joined.length > 5)
    assert.equal(result.counts.answers, joined.length)
    assert.ok(joined.every((each) => each.includes(text) && each.startsWith('\x01m\x01\x01a\x08')))
    // Captured of HAProxy 2.6 with 256: frames of 231 bytes, of which 7 are the head, and a rest.
    assert.deepEqual(sizes.slice(0, 2), [231, 231])
    assert.ok(Math.max(...sizes) <= 256)
    await assert.rejects(() => runLoad(agent.port, { notifies }), /HAProxy would not send it/)
  }
})

test('a NOTIFY that the agent never takes is told before anything is sent', async (t) => {
  const agent = await startAgent(t, async (peer) => {
    // `max-frame-size` 256.
    await peer.greet('pipelining', 'f001')
    peer.onFrame(() => {})
  })
  const notifies = [
    { name: 'm', messages: [{ name: 'm', args: [splitArgument('a=str:{{'.padEnd(300, 'x'))] }] },
  ]
  await assert.rejects(
    () => runLoad(agent.port, { notifies }),
    /the NOTIFY m has up to 3\d\d bytes.* takes 256/,
  )
  assert.ok(loadOptions(1))
})
