/** What real HAProxy processes and an agent that is not ours have said to each other. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  createReader,
  decodeFrame,
  decodeMessages,
  encodeFrame,
  encodeNotifyFragments,
  FragmentAssembler,
  FrameSplitter,
  SpopError,
  SpopFraming,
  Writer,
  type Frame,
} from 'sluice/spop'
import {
  capturedConnections,
  capturedStream,
  capturedVersions,
  readCapture,
  type CapturedVersion,
} from '../support/captures.ts'
import { plainFrame } from '../support/plain-frame.ts'

interface Captured {
  readonly bytes: Buffer
  readonly frame: Frame
}

function splitAll(chunks: readonly Buffer[], maxFrameSize?: number): Buffer[] {
  const splitter = new FrameSplitter(new SpopFraming(maxFrameSize))
  const found: Buffer[] = []
  for (const chunk of chunks) {
    splitter.push(chunk)
    while (splitter.next()) found.push(splitter.bytes.subarray(splitter.start, splitter.end))
  }
  return found
}

function framesOf(version: CapturedVersion, from: 'haproxy' | 'agent', conn: number): Captured[] {
  const stream = capturedStream(readCapture(version), conn, from)
  return splitAll([stream]).map((bytes) => ({ bytes, frame: decodeFrame(bytes) }))
}

const streams = capturedVersions.flatMap((version) => {
  const chunks = readCapture(version)
  return capturedConnections(chunks).flatMap((conn) =>
    (['haproxy', 'agent'] as const).map((from) => ({
      name: `${version}, connection ${conn}, ${from}`,
      stream: capturedStream(chunks, conn, from),
    })),
  )
})

for (const { name, stream } of streams) {
  test(`${name}: every frame decodes, and encodes to the same bytes`, () => {
    const frames = splitAll([stream])
    assert.deepEqual(Buffer.concat(frames), stream)
    assert.ok(frames.length > 0)
    const writer = new Writer(8)
    for (const bytes of frames) {
      writer.reset()
      encodeFrame(writer, decodeFrame(bytes))
      assert.deepEqual(writer.view(), bytes)
    }
  })

  test(`${name}: cut anywhere, the frames are the same`, () => {
    const lengths = splitAll([stream]).map((bytes) => bytes.length)
    for (let at = 1; at < stream.length; at++) {
      const frames = splitAll([stream.subarray(0, at), stream.subarray(at)])
      assert.deepEqual(
        frames.map((bytes) => bytes.length),
        lengths,
      )
      assert.ok(Buffer.concat(frames).equals(stream), `cut at ${at}`)
    }
    const single = splitAll(Array.from(stream, (byte) => Buffer.of(byte)))
    assert.ok(Buffer.concat(single).equals(stream))
    assert.equal(single.length, lengths.length)
  })
}

for (const version of capturedVersions) {
  test(`${version}: the health check announces no capability and no engine`, () => {
    const [hello, ...rest] = framesOf(version, 'haproxy', 1)
    assert.equal(rest.length, 0)
    assert.equal(hello?.bytes.length, 82)
    assert.deepEqual(plainFrame(hello.frame), {
      type: 'haproxy-hello',
      supportedVersions: '2.0',
      maxFrameSize: 16380,
      capabilities: '',
      healthcheck: true,
    })
    const events = readCapture(version).filter(({ conn, what }) => conn === 1 && typeof what === 'string')
    assert.deepEqual(
      events.map(({ from, what }) => [from, what]),
      [['haproxy', 'rst']],
      'HAProxy resets the connection of a health check',
    )
  })

  test(`${version}: the HELLO has the capabilities, the size and the engine of its version`, () => {
    const [hello] = framesOf(version, 'haproxy', 2)
    assert.equal(hello?.frame.type, 'haproxy-hello')
    assert.equal(hello.frame.capabilities, version < '3.1' ? 'pipelining,async' : 'pipelining')
    assert.equal(hello.frame.maxFrameSize, 1024)
    assert.equal(hello.frame.healthcheck, false)
    assert.match(hello.frame.engineId ?? '', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  })

  test(`${version}: the first NOTIFY carries two messages with all types`, () => {
    const [, notify] = framesOf(version, 'haproxy', 2)
    assert.equal(notify?.frame.type, 'notify')
    const [types, two] = notify.frame.messages
    const { messages } = plainFrame(notify.frame) as { messages: [string, [string, unknown][]][] }
    assert.deepEqual(messages[0]?.[1].slice(0, 16), [
      ['b', true],
      ['f', false],
      ['i', { int64: 300 }],
      ['n', { int64: -5 }],
      ['big', { int64: '9223372036854775807' }],
      ['min', { int64: '-9223372036854775808' }],
      ['s', 'hello'],
      ['e', ''],
      ['m', 'GET'],
      ['ip', { ipv4: '127.0.0.1' }],
      ['ip6', { ipv6: '2001:db8::1' }],
      ['bin', { binary: '00ff10' }],
      ['nul', null],
      ['', '/one'],
      ['', { ipv4: '127.0.0.1' }],
      ['uid', 'uid-0000'],
    ])
    assert.equal(types?.args[16]?.[0], 'hdrs')
    assert.equal(types.args.length, 17)
    assert.deepEqual(messages[1], [
      'echo-two',
      [
        ['again', 'second'],
        ['same', { int64: 1 }],
        ['same', { int64: 2 }],
      ],
    ])
    assert.deepEqual(
      two?.all('same').map((data) => 'value' in data && data.value),
      [1, 2],
    )
  })
}

const notifyIds = (version: CapturedVersion, conn: number) =>
  framesOf(version, 'haproxy', conn)
    .map(({ frame }) => frame)
    .filter((frame) => frame.type === 'notify')
    .map(({ streamId, frameId }) => [streamId, frameId])

test('up to 3.0 the ids are those of the client stream, from 0; a second event is frame 2', () => {
  assert.deepEqual(notifyIds('2.6.12', 2), [
    [0, 1],
    [2, 1],
    [2, 2],
    [3, 1],
  ])
  assert.deepEqual(notifyIds('3.0.0', 3), [[4, 1]])
})

test('from 3.1 on the stream-id is odd and counts up, and the frame-id is always 1', () => {
  for (const version of ['3.2.0', '3.5-dev5'] as const) {
    const odd = [1, 3, 5, 7, 9, 11, 13, 15, 17]
    assert.deepEqual(
      notifyIds(version, 2),
      odd.map((id) => [id, 1]),
    )
  }
})

for (const [version, conn] of [
  ['2.6.12', 2],
  ['3.0.0', 3],
] as const) {
  test(`${version}: a payload over the frame size comes as one NOTIFY and five UNSET frames`, () => {
    const pieces = framesOf(version, 'haproxy', conn).filter(
      ({ frame }) => (frame.type === 'notify' && !frame.fin) || frame.type === 'unset',
    )
    assert.deepEqual(
      pieces.map(({ frame, bytes }) => [frame.type, bytes.length - 4]),
      [['notify', 999], ...Array.from({ length: 4 }, () => ['unset', 999]), ['unset', 336]],
    )
    const joined = join(pieces.map(({ frame }) => frame))
    const messages = decodeMessages(createReader(joined))
    assert.deepEqual(
      messages.map(({ name }) => name),
      ['echo-types', 'echo-two', 'echo-frag'],
    )
    const big = messages[2]?.get('big')
    assert.equal(big?.type === 'string' && big.value, 'z'.repeat(2500))
  })

  test(`${version}: we cut the same payload into the same frames`, () => {
    const pieces = framesOf(version, 'haproxy', conn).filter(
      ({ frame }) => (frame.type === 'notify' && !frame.fin) || frame.type === 'unset',
    )
    const [first] = pieces
    assert.equal(first?.frame.type, 'notify')
    const writer = new Writer()
    const payload = join(pieces.map(({ frame }) => frame))
    encodeNotifyFragments(writer, first.frame.streamId, first.frame.frameId, payload, 1024)
    assert.deepEqual(writer.view(), Buffer.concat(pieces.map(({ bytes }) => bytes)))
  })
}

function join(frames: readonly Frame[]): Buffer {
  const assembler = new FragmentAssembler(65_536)
  for (const frame of frames) {
    if (frame.type === 'notify') {
      assembler.begin(frame.streamId, frame.frameId, frame.fragment ?? Buffer.alloc(0))
    } else if (frame.type === 'unset') {
      const outcome = assembler.append(frame)
      if (typeof outcome !== 'string') return outcome
    }
  }
  return assert.fail('the payload did not end')
}

test('an ACK over the negotiated size is refused with the status that HAProxy gives', () => {
  const stream = capturedStream(readCapture('2.6.12'), 2, 'agent')
  assert.throws(
    () => splitAll([stream], 1024),
    (error) => error instanceof SpopError && error.code === 'ERR_SPOP_FRAME_TOO_BIG' && error.status === 3,
  )
  const last = framesOf('2.6.12', 'haproxy', 2).at(-1)?.frame
  assert.deepEqual(last, { type: 'haproxy-disconnect', statusCode: 3, message: 'frame is too big' })
})

test('at a soft stop 2.6 and 3.0 say DISCONNECT 0; 3.2 and 3.5 reset without a word', () => {
  for (const version of capturedVersions) {
    const chunks = readCapture(version).filter(({ from }) => from === 'haproxy')
    const last = framesOf(version, 'haproxy', 2).at(-1)?.frame
    if (version < '3.1') {
      assert.equal(last?.type, 'haproxy-disconnect')
    } else {
      assert.equal(last?.type, 'notify')
      assert.equal(chunks.at(-1)?.what, 'rst')
    }
  }
})

test('each ACK of the capture answers a NOTIFY of the same ids', () => {
  for (const version of capturedVersions) {
    for (const conn of capturedConnections(readCapture(version))) {
      const asked = notifyIds(version, conn).map(String)
      for (const { frame } of framesOf(version, 'agent', conn)) {
        if (frame.type === 'ack') assert.ok(asked.includes(`${frame.streamId},${frame.frameId}`))
      }
    }
  }
})
