import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  createReader,
  decodeFrame,
  decodeMessages,
  encodeMessages,
  encodeNotifyFragments,
  FragmentAssembler,
  FrameSplitter,
  SpopFraming,
  Writer,
  type Frame,
  type Id,
  type UnsetFrame,
} from 'sluice/spop'
import { encodeFragment } from '#src/spop/fragments.js'
import { hex, spopError, written } from './support.ts'

const unset = (streamId: Id, frameId: Id, payload: string, flags: Partial<UnsetFrame> = {}): UnsetFrame => ({
  type: 'unset',
  streamId,
  frameId,
  fin: false,
  abort: false,
  payload: Buffer.from(payload),
  ...flags,
})
const last = { fin: true }

function framesIn(bytes: Buffer): Frame[] {
  const splitter = new FrameSplitter(new SpopFraming())
  splitter.push(bytes)
  const frames: Frame[] = []
  while (splitter.next()) frames.push(decodeFrame(splitter.bytes.subarray(splitter.start, splitter.end)))
  return frames
}

function cut(payload: Uint8Array, maxFrameSize: number, streamId: Id = 7, frameId: Id = 1): Buffer {
  const writer = new Writer()
  encodeNotifyFragments(writer, streamId, frameId, payload, maxFrameSize)
  return writer.view()
}

test('a frame of raw bytes has the flags it is given', () => {
  const payload = Buffer.from('xy')
  for (const [fin, abort, flags] of [
    [false, false, '00'],
    [true, false, '01'],
    [false, true, '02'],
    [true, true, '03'],
  ] as const) {
    assert.equal(
      written((writer) => encodeFragment(writer, 9, { streamId: 1, frameId: 2, fin, abort }, payload)),
      hex(`00000009 09 000000${flags} 01 02 "xy"`),
    )
  }
})

test('a payload is cut as HAProxy cuts it: 32 bytes of each frame stay free', () => {
  const payload = Buffer.from(Array.from({ length: 500 }, (_, index) => index % 256))
  const [first, second, third, ...rest] = framesIn(cut(payload, 256))
  assert.equal(rest.length, 0)
  assert.ok(first?.type === 'notify' && second?.type === 'unset' && third?.type === 'unset')
  assert.deepEqual([first.fin, second.fin, third.fin], [false, false, true])
  assert.deepEqual(first.fragment, payload.subarray(0, 224))
  assert.deepEqual(second.payload, payload.subarray(224, 448))
  assert.deepEqual(third.payload, payload.subarray(448))
  for (const { streamId, frameId, abort } of [first, second, third]) {
    assert.deepEqual([streamId, frameId, abort], [7, 1, false])
  }
})

test('a payload that fills its frames exactly has no empty one behind them', () => {
  for (const [size, frames] of [
    [0, 1],
    [1, 1],
    [224, 1],
    [225, 2],
    [448, 2],
    [449, 3],
  ] as const) {
    const bytes = cut(Buffer.alloc(size), 256)
    assert.equal(bytes.length, size + frames * 11, `${size}`)
    const splitter = new FrameSplitter(new SpopFraming())
    splitter.push(bytes)
    const flags: (number | undefined)[] = []
    while (splitter.next()) flags.push(splitter.bytes[splitter.start + 8])
    assert.deepEqual(flags, [...Array.from({ length: frames - 1 }, () => 0), 1], 'only the last has FIN')
  }
})

test('a payload that fits is one whole NOTIFY', () => {
  const payload = Buffer.from(hex('01 "m" 00'), 'hex')
  const [frame, ...rest] = framesIn(cut(payload, 256))
  assert.equal(rest.length, 0)
  assert.ok(frame?.type === 'notify' && frame.fin)
  assert.equal(frame.messages[0]?.name, 'm')
})

test('no fragment is over the frame size, however long the ids are', () => {
  const bytes = cut(Buffer.alloc(2000), 256, 2n ** 64n - 1n, 2n ** 64n - 1n)
  const splitter = new FrameSplitter(new SpopFraming(256))
  splitter.push(bytes)
  let found = 0
  while (splitter.next()) found++
  assert.equal(found, 9)
})

test('a frame size under 256 is refused, and does not go on for ever', () => {
  for (const size of [255, 33, 32, 31, 0, -1, NaN]) {
    assert.throws(
      () => cut(Buffer.alloc(10), size),
      spopError('ERR_SPOP_BAD_MAX_FRAME_SIZE', /the least is 256/, 'local'),
    )
  }
})

test('fragments are joined; a value may be cut anywhere', () => {
  const payload = Buffer.from(hex('01 "m" 02 01 "a" 08 05 "hello" 00 04 fb f0 fe*7 0e'), 'hex')
  for (let at = 0; at <= payload.length; at++) {
    const assembler = new FragmentAssembler(100)
    assembler.begin(1, 2, payload.subarray(0, at))
    assert.equal(assembler.pending, true)
    assert.equal(assembler.size, at)
    const outcome = assembler.append({ ...unset(1, 2, '', last), payload: payload.subarray(at) })
    assert.deepEqual(outcome, payload)
    assert.equal(assembler.pending, false)
    assert.equal(assembler.size, 0)
    assert.equal(decodeMessages(createReader(outcome as Buffer)).length, 1)
  }
})

test('a joined payload is not written again by the next one', () => {
  const assembler = new FragmentAssembler(100)
  const join = (first: string, second: string) => {
    assembler.begin(1, 1, Buffer.from(first))
    assert.equal(assembler.append(unset(1, 1, second)), 'more')
    return assembler.append(unset(1, 1, '', last)) as Buffer
  }
  const one = join('one', '-first')
  const two = join('two', '-second')
  assert.equal(one.toString(), 'one-first')
  assert.equal(two.toString(), 'two-second')
})

test('what was received is copied: the chunk may go', () => {
  const chunk = Buffer.from('abc')
  const assembler = new FragmentAssembler(100)
  assembler.begin(1, 1, chunk)
  chunk.fill(0)
  assert.equal(String(assembler.append(unset(1, 1, 'd', last))), 'abcd')
})

test('the limit is checked before a fragment is kept, and a refused payload is forgotten', () => {
  const assembler = new FragmentAssembler(10)
  assembler.begin(1, 1, Buffer.from('12345'))
  assert.equal(assembler.append(unset(1, 1, '67890')), 'more')
  assert.throws(
    () => assembler.append(unset(1, 1, 'x')),
    spopError('ERR_SPOP_PAYLOAD_TOO_BIG', /11 bytes so far, the limit is 10/),
  )
  assert.equal(assembler.pending, false)
  assert.equal(assembler.size, 0)
  assert.throws(() => assembler.begin(1, 2, Buffer.alloc(11)), spopError('ERR_SPOP_PAYLOAD_TOO_BIG'))
  assert.equal(assembler.pending, false)
  assembler.begin(1, 3, Buffer.alloc(10))
  assert.equal((assembler.append(unset(1, 3, '', last)) as Buffer).length, 10)
})

test('fragments of one byte, or of none, cost no more than they carry', () => {
  const assembler = new FragmentAssembler(20_000)
  const before = process.memoryUsage()
  assembler.begin(1, 1, Buffer.alloc(0))
  const nothing = unset(1, 1, '')
  for (let count = 0; count < 200_000; count++) assembler.append(nothing)
  const one = unset(1, 1, 'x')
  for (let count = 0; count < 20_000; count++) assembler.append(one)
  const after = process.memoryUsage()
  assert.equal(assembler.size, 20_000)
  assert.ok(after.heapUsed - before.heapUsed < 8_000_000, `${after.heapUsed - before.heapUsed} bytes of heap`)
  assert.deepEqual(assembler.append(unset(1, 1, '', last)), Buffer.alloc(20_000, 'x'))
})

test('no more memory is taken than has come, whatever the limit allows', () => {
  const before = process.memoryUsage().arrayBuffers
  const assemblers = Array.from({ length: 50 }, () => new FragmentAssembler(10_000_000))
  for (const assembler of assemblers) {
    assembler.begin(1, 1, Buffer.alloc(5000))
    assembler.append(unset(1, 1, 'x'))
  }
  assert.ok(process.memoryUsage().arrayBuffers - before < 50_000_000)
  assert.ok(assemblers.every(({ size }) => size === 5001))
})

test('ABORT of the sender forgets what there is', () => {
  const assembler = new FragmentAssembler(100)
  assembler.begin(1, 1, Buffer.from('abc'))
  assert.equal(assembler.append(unset(1, 1, 'not kept', { fin: true, abort: true })), 'aborted')
  assert.equal(assembler.pending, false)
  assert.equal(assembler.size, 0)
  assert.throws(() => assembler.append(unset(1, 1, 'd', last)), spopError('ERR_SPOP_FRAME_ID_NOT_FOUND'))
  assembler.begin(1, 2, Buffer.from('x'))
  assert.equal(String(assembler.append(unset(1, 2, 'y', last))), 'xy')
})

test('ABORT without FIN forgets as well', () => {
  const assembler = new FragmentAssembler(100)
  assembler.begin(1, 1, Buffer.from('abc'))
  assert.equal(assembler.append(unset(1, 1, '', { abort: true })), 'aborted')
  assert.equal(assembler.pending, false)
})

test('a fragment that continues nothing is refused with status 12', () => {
  assert.throws(
    () => new FragmentAssembler(100).append(unset(3, 4, 'x')),
    spopError('ERR_SPOP_FRAME_ID_NOT_FOUND', /UNSET 3\/4 continues nothing/),
  )
})

test('other frames inside a fragmented payload are refused with status 11', () => {
  const assembler = new FragmentAssembler(100)
  assembler.checkInterlaced(9, 9)
  assembler.begin(1, 2, Buffer.from('a'))
  for (const [streamId, frameId] of [
    [1, 3],
    [2, 2],
    [2n ** 64n - 1n, 2],
  ] as const) {
    assert.throws(
      () => assembler.append(unset(streamId, frameId, 'x')),
      spopError(
        'ERR_SPOP_INTERLACED',
        new RegExp(`UNSET ${streamId}/${frameId} inside the fragments of 1/2`),
      ),
    )
    assert.throws(
      () => assembler.begin(streamId, frameId, Buffer.from('x')),
      spopError(
        'ERR_SPOP_INTERLACED',
        new RegExp(`NOTIFY ${streamId}/${frameId} inside the fragments of 1/2`),
      ),
    )
  }
  assert.throws(() => assembler.checkInterlaced(1, 2), spopError('ERR_SPOP_INTERLACED'))
  assert.equal(String(assembler.append(unset(1, 2, 'b', last))), 'ab', 'what was begun is still there')
})

test('after we give up a payload, what still comes of it is dropped', () => {
  const assembler = new FragmentAssembler(100)
  assembler.begin(1, 2, Buffer.from('a'))
  assembler.giveUp()
  assert.equal(assembler.pending, false)
  assert.equal(assembler.size, 0)
  assembler.checkInterlaced(5, 5)
  assert.equal(assembler.append(unset(1, 2, 'b')), 'aborted')
  assert.equal(assembler.append(unset(1, 2, 'c')), 'aborted')
  assert.throws(() => assembler.append(unset(1, 3, 'x')), spopError('ERR_SPOP_FRAME_ID_NOT_FOUND'))
  assert.throws(() => assembler.append(unset(3, 2, 'x')), spopError('ERR_SPOP_FRAME_ID_NOT_FOUND'))
  assert.equal(assembler.append(unset(1, 2, 'd', last)), 'aborted')
  assert.throws(() => assembler.append(unset(1, 2, 'e')), spopError('ERR_SPOP_FRAME_ID_NOT_FOUND'))
})

test('after we give up a payload, the sender may begin another without ending the first', () => {
  const assembler = new FragmentAssembler(100)
  assembler.begin(1, 2, Buffer.from('a'))
  assembler.giveUp()
  assembler.begin(1, 2, Buffer.from('new '))
  assert.equal(String(assembler.append(unset(1, 2, 'one', last))), 'new one')
})

test('giving up nothing is nothing, and reset forgets', () => {
  const assembler = new FragmentAssembler(100)
  assembler.giveUp()
  assert.throws(() => assembler.append(unset(1, 1, '')), spopError('ERR_SPOP_FRAME_ID_NOT_FOUND'))
  assembler.begin(1, 1, Buffer.from('a'))
  assembler.reset()
  assert.equal(assembler.pending, false)
  assert.equal(assembler.size, 0)
})

test('whatever is cut is joined to the same', () => {
  fc.assert(
    fc.property(
      fc.string({ maxLength: 3000, unit: 'binary-ascii' }),
      fc.integer({ min: 256, max: 600 }),
      (text, size) => {
        const writer = new Writer()
        encodeMessages(writer, [{ name: 'm', args: [['a', text]] }])
        const payload = writer.view()
        const assembler = new FragmentAssembler(payload.length)
        let joined: unknown
        for (const frame of framesIn(cut(payload, size))) {
          if (frame.type === 'notify' && frame.fragment === undefined) joined = payload
          else if (frame.type === 'notify')
            assembler.begin(frame.streamId, frame.frameId, frame.fragment as Buffer)
          else if (frame.type === 'unset') joined = assembler.append(frame)
        }
        assert.deepEqual(joined, payload)
      },
    ),
    { seed: 1, numRuns: 100 },
  )
})
