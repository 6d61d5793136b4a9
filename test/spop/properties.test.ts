/** What holds for any bytes and any frames. Seeds are fixed: `npm run fuzz` goes where these do not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  acceptAgentHello,
  acceptHaproxyHello,
  decodeFrame,
  encodeFrame,
  FragmentAssembler,
  FrameSplitter,
  SpopError,
  SpopFraming,
  Writer,
  type Frame,
} from 'sluice/spop'
import { frameOf, plainFrame } from '../support/plain-frame.ts'
import { frame as anyFrame } from './arbitraries.ts'

const settings = { seed: 20_260, numRuns: 400 }

function encode(frame: Frame): Buffer {
  const writer = new Writer(4)
  encodeFrame(writer, frame)
  return writer.view()
}

/** Runs it, and lets SpopErrors that are the peer's pass. */
function tolerate(run: () => void): void {
  try {
    run()
  } catch (error) {
    assert.ok(error instanceof SpopError, String(error))
    assert.match(error.code, /^ERR_SPOP_/)
    assert.equal(error.fault, 'peer')
    assert.ok(error.status >= 3 && error.status <= 12)
  }
}

test('what is encoded is decoded to the same', () => {
  fc.assert(
    fc.property(anyFrame, (frame) => {
      const plain = plainFrame(frame)
      const bytes = encode(frame)
      assert.deepEqual(plainFrame(decodeFrame(bytes)), plain)
      assert.deepEqual(encode(decodeFrame(bytes)), bytes)
      assert.deepEqual(encode(frameOf(plain)), bytes)
      assert.equal(bytes.readUInt32BE(0), bytes.length - 4)
    }),
    settings,
  )
})

test('any bytes behind a right length decode to a value or to a SpopError of the peer', () => {
  const known = fc.constantFrom(0, 1, 2, 3, 101, 102, 103)
  const head = fc.tuple(fc.oneof(known, fc.nat(255)), fc.constantFrom(0, 1, 2, 3), fc.nat(3), fc.nat(3))
  fc.assert(
    fc.property(head, fc.uint8Array({ maxLength: 80 }), ([type, flags, streamId, frameId], payload) => {
      const bytes = Buffer.from([
        0,
        0,
        0,
        payload.length + 7,
        type,
        0,
        0,
        0,
        flags,
        streamId,
        frameId,
        ...payload,
      ])
      tolerate(() => decodeFrame(bytes))
    }),
    { ...settings, numRuns: 3000 },
  )
})

test('any change to the bytes of a frame gives a value or a SpopError of the peer', () => {
  const change = fc.tuple(fc.nat(), fc.nat(255))
  fc.assert(
    fc.property(anyFrame, fc.array(change, { minLength: 1, maxLength: 4 }), (frame, changes) => {
      const bytes = Buffer.from(encode(frame))
      for (const [place, value] of changes) bytes[4 + (place % (bytes.length - 4))] = value
      tolerate(() => {
        const decoded = decodeFrame(bytes)
        const offer = { maxFrameSize: 16_380, capabilities: ['pipelining'] } as const
        if (decoded.type === 'haproxy-hello') acceptHaproxyHello(decoded, offer)
        if (decoded.type === 'agent-hello') acceptAgentHello(decoded, offer)
      })
    }),
    { ...settings, numRuns: 1500 },
  )
})

test('any cutting of a stream gives the same frames', () => {
  const frames = fc.array(anyFrame, { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(frames, fc.array(fc.nat(), { maxLength: 10 }), (sent, places) => {
      const stream = Buffer.concat(sent.map(encode))
      const marks = [0, ...places.map((at) => at % stream.length), stream.length].sort((a, b) => a - b)
      const splitter = new FrameSplitter(new SpopFraming(100_000))
      const found: unknown[] = []
      for (let index = 1; index < marks.length; index++) {
        splitter.push(stream.subarray(marks[index - 1], marks[index]))
        while (splitter.next()) {
          found.push(plainFrame(decodeFrame(splitter.bytes.subarray(splitter.start, splitter.end))))
        }
      }
      assert.deepEqual(found, sent.map(plainFrame))
    }),
    { ...settings, numRuns: 200 },
  )
})

test('a splitter never holds more than one frame of the allowed size, whatever comes', () => {
  const chunk = fc.uint8Array({ minLength: 1, maxLength: 40 })
  const zeros = fc.constant(Uint8Array.of(0, 0))
  fc.assert(
    fc.property(fc.array(fc.oneof(chunk, zeros), { maxLength: 40 }), (chunks) => {
      const allocated: number[] = []
      const limit = 300
      const framing = new SpopFraming(limit)
      const sizeAt = framing.sizeAt.bind(framing)
      framing.sizeAt = (bytes, at) => {
        const size = sizeAt(bytes, at)
        allocated.push(size)
        return size
      }
      const splitter = new FrameSplitter(framing)
      tolerate(() => {
        for (const bytes of chunks) {
          splitter.push(Buffer.from(bytes))
          while (splitter.next()) assert.ok(splitter.end - splitter.start <= limit + 4)
        }
      })
      assert.ok(allocated.every((size) => size <= limit + 4))
    }),
    settings,
  )
})

test('a FragmentAssembler never holds more than its limit, whatever comes', () => {
  const event = fc.record({
    begin: fc.boolean(),
    streamId: fc.nat(1),
    frameId: fc.nat(1),
    fin: fc.boolean(),
    abort: fc.integer({ min: 0, max: 9 }).map((dice) => dice === 0),
    giveUp: fc.integer({ min: 0, max: 9 }).map((dice) => dice === 0),
    payload: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  })
  fc.assert(
    fc.property(fc.array(event, { maxLength: 30 }), (events) => {
      const assembler = new FragmentAssembler(100)
      for (const { begin, giveUp, ...frame } of events) {
        tolerate(() => {
          if (giveUp) assembler.giveUp()
          else if (begin) assembler.begin(frame.streamId, frame.frameId, frame.payload)
          else {
            const outcome = assembler.append({ type: 'unset', ...frame })
            if (typeof outcome !== 'string') assert.ok(outcome.length <= 100)
          }
        })
        assert.ok(assembler.size <= 100)
        assert.ok(assembler.pending || assembler.size === 0)
      }
    }),
    settings,
  )
})
