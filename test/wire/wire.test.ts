/**
 * Every vector of this folder is run whole, encoded back, in two pieces at every cut, byte by byte, twice in a row,
 * followed by other bytes, and truncated at every offset.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeFrame, encodeFrame, FrameSplitter, SpopError, SpopFraming, Writer } from 'sluice/spop'
import { readVectors, type Vector } from '../support/hex.ts'
import { frameOf, plainFrame, type PlainFrame } from '../support/plain-frame.ts'

const vectors = readVectors('test/wire')

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof SpopError) return error.code
    throw error
  }
  return 'no error'
}

/** The frames that come out of a splitter when these chunks go in; they are copied out. */
function split(chunks: readonly Buffer[], splitter = new FrameSplitter(new SpopFraming())): Buffer[] {
  const frames: Buffer[] = []
  for (const chunk of chunks) {
    splitter.push(chunk)
    while (splitter.next()) frames.push(Buffer.from(splitter.bytes.subarray(splitter.start, splitter.end)))
  }
  return frames
}

const encode = (plain: PlainFrame) => {
  const writer = new Writer(16)
  encodeFrame(writer, frameOf(plain))
  return writer.view()
}

/** A well-formed frame that may stand behind any other: ACK of 9/9 without actions. */
const another = Buffer.from('0000000767000000010909', 'hex')

function cutEverywhere({ bytes }: Vector): void {
  for (let at = 0; at <= bytes.length; at++) {
    assert.deepEqual(split([bytes.subarray(0, at), bytes.subarray(at)]), [bytes], `cut at ${at}`)
  }
  const single = Array.from(bytes, (byte) => Buffer.of(byte))
  assert.deepEqual(split(single), [bytes], 'byte by byte')
  const withEmpty = single.flatMap((byte) => [Buffer.alloc(0), byte])
  assert.deepEqual(split(withEmpty), [bytes], 'byte by byte, with empty chunks between')
}

function withNeighbours({ bytes }: Vector): void {
  const stream = Buffer.concat([another, bytes, bytes, another])
  const frames = [another, bytes, bytes, another]
  assert.deepEqual(split([stream]), frames)
  for (let at = 0; at <= stream.length; at++) {
    assert.deepEqual(split([stream.subarray(0, at), stream.subarray(at)]), frames, `cut at ${at}`)
  }
}

function withRubbish({ bytes }: Vector): void {
  const splitter = new FrameSplitter(new SpopFraming())
  splitter.push(Buffer.concat([bytes, Buffer.from('GET / HTTP/1.1\r\n\r\n')]))
  assert.equal(splitter.next(), true)
  assert.deepEqual(splitter.bytes.subarray(splitter.start, splitter.end), bytes)
  assert.equal(
    codeOf(() => splitter.next()),
    'ERR_SPOP_FRAME_TOO_BIG',
  )
  const trailing = Buffer.concat([bytes, Buffer.of(0)])
  assert.equal(
    codeOf(() => decodeFrame(trailing)),
    'ERR_SPOP_INVALID_FRAME',
  )
}

/** A shorter stream is an incomplete frame; a shorter frame ends inside a value, or between two of them. */
function truncated({ bytes }: Vector): void {
  for (let at = 0; at < bytes.length; at++) {
    const piece = bytes.subarray(0, at)
    const splitter = new FrameSplitter(new SpopFraming())
    assert.deepEqual(split([piece], splitter), [])
    assert.equal(splitter.midFrame, at > 0)
    assert.equal(
      codeOf(() => decodeFrame(piece)),
      'ERR_SPOP_TRUNCATED',
      `cut at ${at}`,
    )
    if (at >= 4) assert.ok(['no error', 'ERR_SPOP_TRUNCATED'].includes(shortened(piece)), `length ${at - 4}`)
  }
}

/** The same bytes with a length that fits them: what they say is written back, or they end inside a value. */
function shortened(piece: Buffer): string {
  const whole = Buffer.from(piece)
  whole.writeUInt32BE(whole.length - 4, 0)
  return codeOf(() => plainFrame(decodeFrame(whole)))
}

function refused(bytes: Buffer, code: string): void {
  for (let at = 0; at <= 4; at++) {
    assert.equal(
      codeOf(() => split([bytes.subarray(0, at), bytes.subarray(at)])),
      code,
    )
  }
}

for (const vector of vectors) {
  const { where, name, bytes, expected } = vector
  test(`${where} ${name}`, () => {
    if (expected.kind === 'error') {
      return assert.equal(
        codeOf(() => decodeFrame(bytes)),
        expected.code,
      )
    }
    if (expected.kind === 'split') return refused(bytes, expected.code)
    assert.deepEqual(plainFrame(decodeFrame(bytes)), expected.value)
    if (expected.canonical) assert.deepEqual(encode(expected.value as PlainFrame), bytes)
    cutEverywhere(vector)
    withNeighbours(vector)
    withRubbish(vector)
    truncated(vector)
  })
}

test('there are vectors for every type of frame, every type of value and every error of decoding', () => {
  const text = JSON.stringify(vectors.map(({ expected }) => expected))
  const frames = ['haproxy-hello', 'agent-hello', 'notify', 'ack', 'unset', 'unknown', 'agent-disconnect']
  const values = ['int32', 'uint32', 'int64', 'uint64', 'ipv4', 'ipv6', 'binary', 'latin1']
  const errors = ['TRUNCATED', 'INVALID_FRAME', 'VARINT', 'DATA_TYPE', 'FRAGMENTATION', 'FRAME_TOO_BIG']
  for (const word of [...frames, 'haproxy-disconnect', ...values]) assert.ok(text.includes(`"${word}"`), word)
  for (const word of errors) assert.ok(text.includes(`"ERR_SPOP_${word}"`), word)
  assert.ok(vectors.length > 150)
})
