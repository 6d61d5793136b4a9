import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  createReader,
  defaultMaxFrameSize,
  FrameFlag,
  FrameHead,
  FrameType,
  leastMaxFrameSize,
  readFrameHead,
  SpopFraming,
} from 'sluice/spop'
import { beginFrame, endFrame, lengthSize } from '#src/spop/frame-head.js'
import { parseHex } from '../support/hex.ts'
import { hex, reading, spopError, written } from './support.ts'

const fields = ({ type, flags, streamId, frameId }: FrameHead) => ({ type, flags, streamId, frameId })

test('the numbers are those of the document', () => {
  assert.deepEqual(Object.values(FrameType), [0, 1, 2, 3, 101, 102, 103])
  assert.deepEqual(FrameFlag, { Fin: 1, Abort: 2 })
  assert.equal(defaultMaxFrameSize, 16384 - 4)
  assert.equal(leastMaxFrameSize, 256)
  assert.equal(lengthSize, 4)
})

test('a head is type, flags in network order, and two ids', () => {
  const head = new FrameHead()
  const reader = reading('03  00 00 00 01  f0 00  07  55')
  readFrameHead(reader, head)
  assert.deepEqual(fields(head), { type: 3, flags: 1, streamId: 240, frameId: 7 })
  assert.deepEqual([head.fin, head.abort], [true, false])
  assert.equal(reader.remaining, 1)
  readFrameHead(reading('67  00 00 00 02  00  ff f0 fe*7 0e'), head)
  assert.deepEqual(fields(head), { type: 103, flags: 2, streamId: 0, frameId: 2n ** 64n - 1n })
  assert.deepEqual([head.fin, head.abort], [false, true])
  readFrameHead(reading('00  01 00 00 00  00  00'), head)
  assert.deepEqual(
    [head.fin, head.abort],
    [false, false],
    'host order is SPOP 1.0, which nobody speaks any more',
  )
  assert.deepEqual(fields(new FrameHead()), { type: 0, flags: 0, streamId: 0, frameId: 0 })
})

test('a frame is begun, filled and ended: its length does not count its own four bytes', () => {
  const bytes = written((writer) => {
    writer.uint8(0xaa)
    const start = beginFrame(writer, FrameType.Ack, FrameFlag.Fin | FrameFlag.Abort, 240, 2n ** 64n - 1n)
    assert.equal(start, 1)
    writer.uint16(0xbbcc)
    assert.equal(endFrame(writer, start), 19)
  })
  assert.equal(bytes, hex('aa  00 00 00 13  67  00 00 00 03  f0 00  ff f0 fe*7 0e  bb cc'))
})

test('a reader of this layer throws ERR_SPOP_TRUNCATED with the place', () => {
  const bytes = parseHex('00 01 02 03')
  assert.throws(
    () => createReader(bytes, 1, 3).uint32(),
    spopError('ERR_SPOP_TRUNCATED', /4 bytes wanted at byte 1, 2 left/),
  )
  assert.throws(() => createReader().uint8(), spopError('ERR_SPOP_TRUNCATED'))
  assert.equal(createReader(bytes, 2).remaining, 2)
})

test('the framing adds the length field to the length', () => {
  const framing = new SpopFraming()
  assert.equal(framing.headerSize, 4)
  assert.equal(framing.maxFrameSize, 16380)
  assert.equal(framing.sizeAt(parseHex('00 00 00 07'), 0), 11)
  assert.equal(framing.sizeAt(parseHex('ff ff 00 00 3f fc'), 2), 16384)
})

test('a length over the limit is refused, and the limit can be lowered', () => {
  const framing = new SpopFraming(1000)
  assert.equal(framing.sizeAt(parseHex('00 00 03 e8'), 0), 1004)
  assert.throws(
    () => framing.sizeAt(parseHex('00 00 03 e9'), 0),
    spopError('ERR_SPOP_FRAME_TOO_BIG', /1001 bytes announced, the limit is 1000$/),
  )
  framing.maxFrameSize = 256
  assert.equal(framing.sizeAt(parseHex('00 00 01 00'), 0), 260)
  assert.throws(() => framing.sizeAt(parseHex('00 00 01 01'), 0), spopError('ERR_SPOP_FRAME_TOO_BIG'))
  assert.throws(() => framing.sizeAt(parseHex('ff ff ff ff'), 0), /4294967295 bytes announced/)
})

test('a length under seven is refused', () => {
  const framing = new SpopFraming()
  for (let length = 0; length < 7; length++) {
    assert.throws(
      () => framing.sizeAt(Buffer.of(0, 0, 0, length), 0),
      spopError('ERR_SPOP_INVALID_FRAME', new RegExp(`a length of ${length} bytes, the least is 7`)),
    )
  }
})

test('a length that reads as text is said to be text', () => {
  const framing = new SpopFraming()
  const refused = (text: string) => {
    try {
      framing.sizeAt(Buffer.from(`..${text}`, 'latin1'), 2)
    } catch (error) {
      return String(error)
    }
    return ''
  }
  assert.match(refused('GET '), /it reads "GET ": is that another protocol\?/)
  assert.match(refused('~~  '), /it reads/)
  for (const text of ['GE\r\n', 'GE\u0000T', '\u0016\u0003\u0001\u0002', 'GET\u007f', '\u0001GET']) {
    assert.doesNotMatch(refused(text), /it reads/)
  }
})
