import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createEngine, ErrorStatus, type MessageInput } from 'sluice/engine'
import { decodeFrame, decodeMessages, createReader, FrameSplitter, SpopFraming } from 'sluice/spop'
import { IdSequence, idLimit } from '#src/engine/profile.js'
import { capturedStream, readCapture, type CapturedVersion } from '../support/captures.ts'
import { until } from '../support/until.ts'
import { ack, agentHello, answering, frame, startAgent, type RawFrame } from './scripted-agent.ts'

const check = [{ name: 'check', args: [] }]

/** The frames that the real HAProxy sent on a connection. */
function haproxyFrames(version: CapturedVersion, conn: number): Buffer[] {
  const splitter = new FrameSplitter(new SpopFraming())
  const frames: Buffer[] = []
  splitter.push(capturedStream(readCapture(version), conn, 'haproxy'))
  while (splitter.next()) frames.push(splitter.bytes.subarray(splitter.start, splitter.end))
  return frames.filter((each) => each[4] !== 2) // leaving has tests of its own
}

function messagesOf(payloads: Buffer[]): readonly MessageInput[] {
  return decodeMessages(createReader(Buffer.concat(payloads)))
}

/** The payload of a frame with ids of one byte. */
const payloadOf = (bytes: Buffer | undefined) => (bytes as Buffer).subarray(11)

function engineIdOf(hello: Buffer | undefined): string {
  const decoded = decodeFrame(hello as Buffer)
  assert.ok(decoded.type === 'haproxy-hello' && decoded.engineId !== undefined)
  return decoded.engineId
}

/** An agent that keeps what it gets, and acknowledges what is whole. */
async function startRecorder(t: Parameters<typeof startAgent>[0], capabilities: string) {
  const frames: RawFrame[] = []
  const agent = await startAgent(t, (peer) => {
    peer.onFrame((each) => {
      frames.push(each)
      if (each.type === 1) peer.send(agentHello(capabilities, 'f031'))
      else if (each.type !== 2 && (each.flags & 1) !== 0) peer.send(ack(each.ids))
    })
  })
  return { agent, frames }
}

test('profile 2.6 sends what the real HAProxy 2.6 sent, byte for byte', async (t) => {
  const [hello, one, post, group, ...fragments] = haproxyFrames('2.6.12', 2)
  const { agent, frames } = await startRecorder(t, 'pipelining,fragmentation')
  await using engine = createEngine({
    servers: [agent.address],
    profile: '2.6',
    capabilities: ['pipelining', 'async'],
    maxFrameSize: 1024,
    engineId: engineIdOf(hello),
  })
  const streams = Array.from({ length: 4 }, () => engine.createStream())
  const send = (stream: number, payloads: Buffer[]) =>
    engine.send({ messages: messagesOf(payloads), stream: streams[stream] ?? assert.fail() })
  await send(0, [payloadOf(one)])
  await send(2, [payloadOf(post)])
  await send(2, [payloadOf(group)])
  await send(3, fragments.map(payloadOf))
  const expected = [hello, one, post, group, ...fragments].map((each) => each?.toString('hex'))
  assert.equal(fragments.length, 6)
  assert.deepEqual(
    frames.map(({ hex }) => hex),
    expected,
  )
})

for (const version of ['3.2.0', '3.5-dev5'] as const) {
  test(`profile 3.x sends what the real HAProxy ${version} sent, byte for byte`, async (t) => {
    const [hello, one, post, group] = haproxyFrames(version, 2)
    const { agent, frames } = await startRecorder(t, 'pipelining,fragmentation')
    await using engine = createEngine({
      servers: [agent.address],
      profile: '3.x',
      maxFrameSize: 1024,
      engineId: engineIdOf(hello),
    })
    const stream = engine.createStream() // ids are the connection's own here
    for (const each of [one, post, group])
      await engine.send({ messages: messagesOf([payloadOf(each)]), stream })
    assert.deepEqual(
      frames.map(({ hex }) => hex),
      [hello, one, post, group].map((each) => each?.toString('hex')),
    )
  })
}

test('ids: one sequence for all connections by default, from 1; from 0 in profile 2.6', async (t) => {
  for (const [profile, expected] of [
    ['default', ['1/1', '2/1', '3/1', '3/2', '4/1']],
    ['2.6', ['0/1', '1/1', '2/1', '2/2', '3/1']],
  ] as const) {
    const { agent, frames } = await startRecorder(t, 'pipelining')
    await using engine = createEngine({ servers: [agent.address], profile, maxFrameSize: 1024 })
    await engine.send({ messages: check })
    await engine.send({ messages: check })
    const stream = engine.createStream()
    await engine.send({ messages: check, stream })
    await engine.send({ messages: check, stream })
    await engine.send({ messages: check })
    const ids = frames.filter(({ type }) => type === 3).map((each) => `${each.streamId}/${each.frameId}`)
    assert.deepEqual(ids, expected)
  }
})

test('a stream may have an id of its own', async (t) => {
  const { agent, frames } = await startRecorder(t, 'pipelining')
  await using engine = createEngine({ servers: [agent.address], maxFrameSize: 1024 })
  const stream = engine.createStream(200)
  await engine.send({ messages: check, stream })
  await engine.send({ messages: check, stream })
  const ids = frames.filter(({ type }) => type === 3).map((each) => `${each.streamId}/${each.frameId}`)
  assert.deepEqual(ids, ['200/1', '200/2'])
  for (const id of [-1, 0.5, 2 ** 32, NaN]) {
    assert.throws(() => engine.createStream(id), { code: 'ERR_SLUICE_OPTION' })
  }
})

test('profile 3.x has 20 in flight per connection, whatever the option says', async (t) => {
  const agent = await startAgent(t, async (peer) => {
    await peer.greet()
  })
  const engine = createEngine({ servers: [agent.address], profile: '3.x', maxWaitingFrames: 5 })
  for (let count = 0; count < 40; count++) engine.exchange(check, 5000, () => {})
  await until(() => engine.stats.inFlight >= 40)
  assert.equal(engine.stats.connections, 2)
  engine.destroy()
})

test('profile 3.x leaves with a reset and without a word', async (t) => {
  const agent = await startAgent(t, answering)
  const engine = createEngine({ servers: [agent.address], profile: '3.x' })
  await engine.send({ messages: check })
  await engine.close()
  const peer = agent.peers[0]
  await peer?.closed
  assert.equal(peer?.end, 'reset')
  assert.equal(peer?.chunks.length, 2) // HELLO, NOTIFY
})

test('AGENT-HELLO without max-frame-size: refused by 2.6, our own size elsewhere', async (t) => {
  // version "2.0" and capabilities "" alone
  const hello = frame(`65 00000001 00 00 0776657273696f6e 08 03322e30 0c6361706162696c6974696573 08 00`)
  const agent = await startAgent(t, async (peer) => {
    await peer.frame()
    peer.send(hello)
    peer.onFrame((each) => each.type === 3 && peer.send(ack(each.ids)))
  })
  for (const [profile, status] of [
    ['2.6', 256 + 6],
    ['3.x', 0],
    ['default', 0],
  ] as const) {
    await using engine = createEngine({ servers: [agent.address], profile, maxFailures: 1 })
    assert.equal((await engine.send({ messages: check })).status, status, profile)
  }
})

test('messages that fit no frame: fragments for agents that take them, else status 3', async (t) => {
  const big = [{ name: 'check', args: [['a', 'x'.repeat(2000)]] }] as const
  for (const [profile, capabilities, status, count] of [
    ['default', 'pipelining,fragmentation', 0, 3],
    ['2.6', 'pipelining,fragmentation', 0, 3],
    ['3.x', 'pipelining,fragmentation', ErrorStatus.TooBig, 0],
    ['default', 'pipelining', ErrorStatus.TooBig, 0],
  ] as const) {
    const { agent, frames } = await startRecorder(t, capabilities)
    await using engine = createEngine({ servers: [agent.address], profile, maxFrameSize: 1024 })
    // Once while it has to wait for the connection, once when it is there.
    for (let round = 1; round <= 2; round++) {
      const outcome = await engine.send({ messages: big })
      assert.equal(outcome.status, status)
      if (status !== 0) assert.match(outcome.error?.message ?? '', /2012 bytes of messages, frames have 1024/)
      assert.equal(frames.filter(({ type }) => type === 3 || type === 0).length, round * count)
    }
    assert.equal((await engine.send({ messages: check })).status, 0)
  }
})

test('a frame of exactly the negotiated size is sent whole; 2.6 keeps 32 bytes free', async (t) => {
  // length 256: 7 of head, "check" 6, one argument 1, "a" 2, type 1, length varint 1, 238 of text
  const fits = [{ name: 'check', args: [['a', 'x'.repeat(238)]] }] as const
  for (const [profile, lengths] of [
    ['default', [256]],
    ['3.x', [256]],
    ['2.6', [231, 32]],
  ] as const) {
    const sizes: number[] = []
    const agent = await startAgent(t, async (peer) => {
      await peer.greet('pipelining,fragmentation', 'f001')
      peer.onFrame((each) => {
        if (each.type === 2) return
        sizes.push(each.hex.length / 2 - 4)
        if ((each.flags & 1) !== 0) peer.send(ack(each.ids))
      })
    })
    await using engine = createEngine({ servers: [agent.address], profile, maxFrameSize: 256 })
    assert.equal((await engine.send({ messages: fits })).status, 0)
    assert.deepEqual(sizes, lengths, profile)
  }
})

test('fragments are bounded by maxPayloadSize', async (t) => {
  const { agent, frames } = await startRecorder(t, 'pipelining,fragmentation')
  await using engine = createEngine({ servers: [agent.address], maxFrameSize: 1024, maxPayloadSize: 3000 })
  const messages = [{ name: 'check', args: [['a', 'x'.repeat(4000)]] }] as const
  const outcome = await engine.send({ messages })
  assert.equal(outcome.status, ErrorStatus.TooBig)
  assert.match(outcome.error?.message ?? '', /the limit is 3000/)
  assert.equal(agent.peers.length, 0) // no agent takes it, so none is asked
  await engine.send({ messages: [{ name: 'check', args: [] }] })
  assert.equal((await engine.send({ messages })).status, ErrorStatus.TooBig)
  assert.deepEqual(
    frames.map(({ type }) => type),
    [1, 3],
  )
})

test('ids begin again before they leave 30 bits', () => {
  const ids = new IdSequence(idLimit - 1, 1)
  assert.deepEqual([ids.take(), ids.take(), ids.take()], [idLimit - 1, idLimit, idLimit - 1])
  const odd = new IdSequence(1, 2)
  assert.deepEqual([odd.take(), odd.take(), odd.take()], [1, 3, 5])
})
