/**
 * What other implementations of SPOP got wrong, row by row, as far as bytes and the handshake are concerned. What
 * concerns connections (one write per frame, always an ACK, pending maps) is tested with the agent.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  acceptAgentHello,
  acceptHaproxyHello,
  createReader,
  decodeActions,
  decodeFrame,
  decodeMessages,
  decodeTypedData,
  encodeAck,
  encodeFrame,
  encodeNotifyFragments,
  encodeUnsetVar,
  encodeValue,
  FragmentAssembler,
  FrameSplitter,
  readVarint64,
  SpopError,
  SpopFraming,
  StatusCode,
  StringData,
  writeVarint,
  Writer,
  type Frame,
  type HaproxyHelloFrame,
} from 'sluice/spop'
import { parseHex } from '../support/hex.ts'
import { plainFrame, plainValue } from '../support/plain-frame.ts'
import { hex, reading, spopError, written } from './support.ts'

/** A frame around a payload; the length is counted here, so that the rows show what matters. */
function framed(type: number, payload: string, flags = 1, ids = '00 00'): Buffer {
  const body = Buffer.concat([Buffer.of(type, 0, 0, 0, flags), parseHex(ids), parseHex(payload)])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length)
  return Buffer.concat([length, body])
}

const decoded = (type: number, payload: string, flags?: number, ids?: string) =>
  plainFrame(decodeFrame(framed(type, payload, flags, ids)))

const versions = '12 "supported-versions" 08 03 "2.0"'
const size = '0e "max-frame-size" 03 fc f0 06'
const capabilities = '0c "capabilities" 08 00'
const offer = { maxFrameSize: 16_380, capabilities: ['pipelining', 'fragmentation'] } as const

const accept = (payload: string) =>
  acceptHaproxyHello(decodeFrame(framed(1, payload)) as HaproxyHelloFrame, offer)

test('row 1: varints are in the peers encoding, not LEB128, and take up to ten bytes', () => {
  for (const [value, bytes] of [
    [240, 'f0 00'],
    [2287, 'ff 7f'],
    [2288, 'f0 80 00'],
    [264431, 'ff ff 7f'],
    [-1, 'ff f0 fe fe fe fe fe fe fe 0e'],
  ] as const) {
    assert.equal(
      written((writer) => writeVarint(writer, value)),
      hex(bytes),
    )
    assert.equal(readVarint64(reading(bytes)), value === -1 ? 2n ** 64n - 1n : value)
  }
})

test('row 2: a negative INT32 is extended to 64 bits', () => {
  const bytes = '02 fb f0 fe fe fe fe fe fe fe 0e'
  assert.equal(
    written((writer) => encodeValue(writer, { type: 'int32', value: -5 })),
    hex(bytes),
  )
  assert.deepEqual(plainValue(decodeTypedData(reading(bytes))), { int32: -5 })
})

test('row 3: plain integers leave as INT64, and what HAProxy would make negative is refused', () => {
  assert.equal(
    written((writer) => encodeValue(writer, 2n ** 63n - 1n)),
    hex('04 ff f0 fe*7 06'),
  )
  assert.throws(
    () => encodeValue(new Writer(), 2n ** 63n),
    spopError('ERR_SPOP_VALUE', /does not fit int64/, 'local'),
  )
})

test('row 4: ids and INT64 beyond 2^53 lose nothing', () => {
  const ids = 'f1 f1 fe fe fe fe fe 7e  ff f0 fe*7 0e' // 2^53+1 and 2^64-1
  const bytes = framed(3, '01 "m" 01 01 "a" 04 f1 f1 fe*5 7e', 1, ids)
  const frame = decodeFrame(bytes)
  assert.deepEqual(plainFrame(frame), {
    type: 'notify',
    streamId: '9007199254740993',
    frameId: '18446744073709551615',
    messages: [['m', [['a', { int64: '9007199254740993' }]]]],
  })
  const writer = new Writer()
  encodeFrame(writer, frame)
  assert.deepEqual(writer.view(), bytes)
})

test('row 5: a boolean has its type in the low four bits and its value in the high four', () => {
  assert.deepEqual(plainValue(decodeTypedData(reading('11'))), true)
  assert.deepEqual(plainValue(decodeTypedData(reading('01'))), false)
  assert.equal(
    written((writer) => encodeValue(writer, true)),
    '11',
  )
  assert.equal(
    written((writer) => encodeValue(writer, false)),
    '01',
  )
})

test('row 6: unnamed arguments have an empty name, and there may be several', () => {
  const [message] = decodeMessages(reading('01 "m" 03  00 04 01  01 "a" 04 02  00 04 03'))
  assert.deepEqual(
    message?.args.map(([name, data]) => [name, plainValue(data)]),
    [
      ['', { int64: 1 }],
      ['a', { int64: 2 }],
      ['', { int64: 3 }],
    ],
  )
  assert.deepEqual(message?.all('').map(plainValue), [{ int64: 1 }, { int64: 3 }])
})

test('row 7: NB-ARGS is one unsigned byte, 0 to 255', () => {
  for (const count of [0, 127, 128, 255]) {
    const bytes = hex(`01 "m" ${count.toString(16).padStart(2, '0')} 00*${2 * count}`)
    assert.equal(decodeMessages(reading(bytes))[0]?.args.length, count)
  }
})

test('row 8: NB-ARGS says where the next message begins; order and repetitions are kept', () => {
  assert.deepEqual(decoded(3, '02 "m2" 01 01 "a" 08 01 "x"  02 "m1" 00  02 "m2" 01 01 "b" 08 01 "y"'), {
    type: 'notify',
    streamId: 0,
    frameId: 0,
    messages: [
      ['m2', [['a', 'x']]],
      ['m1', []],
      ['m2', [['b', 'y']]],
    ],
  })
})

test('row 9: a NOTIFY without messages is a NOTIFY, and an ACK without actions answers it', () => {
  assert.deepEqual(decoded(3, '', 1, '01 01'), { type: 'notify', streamId: 1, frameId: 1, messages: [] })
  assert.equal(
    written((writer) => encodeAck(writer, 1, 1, [])),
    hex('00000007 67 00000001 01 01'),
  )
})

test('row 10: unset-var has three fields', () => {
  assert.equal(
    written((writer) => encodeUnsetVar(writer, 'txn', 'x')),
    hex('02 02 02 01 "x"'),
  )
  assert.deepEqual(decodeActions(reading('02 02 02 01 "x"  02 02 02 01 "y"')).length, 2)
})

test('row 11: strings are bytes that need not be UTF-8', () => {
  const data = decodeTypedData(reading('08 03 e9 ff 00'))
  assert.ok(data instanceof StringData)
  assert.deepEqual(data.bytes, Buffer.from('e9ff00', 'hex'))
  assert.equal(data.latin1, 'éÿ\0')
  assert.equal(
    written((writer) => encodeValue(writer, data)),
    hex('08 03 e9 ff 00'),
  )
})

test('row 12: flags are four bytes in network order: FIN is 1, ABORT is 2', () => {
  assert.deepEqual(decoded(0, '', 1, '01 01'), { type: 'unset', streamId: 1, frameId: 1, payload: '' })
  assert.deepEqual(decoded(0, '', 3, '01 01')['abort'], true)
  assert.deepEqual(decoded(0, '', 0, '01 01')['fin'], false)
  const host = parseHex('00000007 00 01000000 01 01') // as SPOP 1.0 had it on little-endian machines
  assert.deepEqual(plainFrame(decodeFrame(host))['fin'], false)
})

test('row 13: a fragmented NOTIFY is whole after its last FIN, and its ACK is one frame with the same ids', () => {
  const assembler = new FragmentAssembler(1000)
  const writer = new Writer()
  encodeNotifyFragments(writer, 5, 6, Buffer.alloc(500), 256)
  const outcomes = split(writer.view()).map((frame) => {
    if (frame.type === 'notify') {
      assembler.begin(frame.streamId, frame.frameId, frame.fragment ?? Buffer.alloc(0))
      return 'more'
    }
    const outcome = frame.type === 'unset' ? assembler.append(frame) : 'more'
    return typeof outcome === 'string' ? outcome : outcome.length
  })
  assert.deepEqual(outcomes, ['more', 'more', 500])
  assert.equal(
    written((out) => encodeAck(out, 5, 6, [])),
    hex('00000007 67 00000001 05 06'),
  )
  assert.throws(() => decodeFrame(framed(103, '', 0, '05 06')), spopError('ERR_SPOP_FRAGMENTATION'))
})

function split(bytes: Buffer): Frame[] {
  const splitter = new FrameSplitter(new SpopFraming())
  splitter.push(bytes)
  const frames: Frame[] = []
  while (splitter.next()) frames.push(decodeFrame(splitter.bytes.subarray(splitter.start, splitter.end)))
  return frames
}

const unset = (
  streamId: number,
  frameId: number,
  fin: boolean,
  abort = false,
  payload: Buffer = Buffer.from('x'),
) => ({ type: 'unset', streamId, frameId, fin, abort, payload }) as const

test('row 14: UNSET frames carry the ids of their NOTIFY, are joined before they are decoded; others are code 11', () => {
  const assembler = new FragmentAssembler(1000)
  assembler.begin(1, 1, parseHex('01 "m" 01 01 "a" 08'))
  assert.throws(() => assembler.append(unset(1, 2, false)), spopError('ERR_SPOP_INTERLACED'))
  assert.throws(
    () => assembler.append(unset(2, 1, false)),
    (error: SpopError) => error.status === 11,
  )
  assert.throws(() => assembler.checkInterlaced(3, 1), spopError('ERR_SPOP_INTERLACED'))
  const whole = assembler.append(unset(1, 1, true, false, parseHex('02 "hi"')))
  assert.deepEqual(
    decodeMessages(createReader(whole as Buffer))[0]?.args.map(([name, data]) => [name, plainValue(data)]),
    [['a', 'hi']],
  )
})

test('row 15: ABORT discards what there is, without decoding it', () => {
  const assembler = new FragmentAssembler(1000)
  assembler.begin(1, 1, parseHex('ff ff ff'))
  const frame = decodeFrame(framed(0, '', 3, '01 01'))
  assert.ok(frame.type === 'unset')
  assert.equal(assembler.append(frame), 'aborted')
  assert.equal(assembler.pending, false)
  assert.equal(assembler.size, 0)
})

test('row 16: max-frame-size does not count the length field, is 256 at least, and is checked before memory is taken', () => {
  const framing = new SpopFraming(256)
  assert.equal(framing.sizeAt(parseHex('00 00 01 00'), 0), 260)
  assert.throws(() => framing.sizeAt(parseHex('00 00 01 01'), 0), spopError('ERR_SPOP_FRAME_TOO_BIG'))
  assert.throws(() => framing.sizeAt(parseHex('ff ff ff ff'), 0), spopError('ERR_SPOP_FRAME_TOO_BIG'))
  const tooSmall = `${versions} 0e "max-frame-size" 03 ff 00 ${capabilities}` // 255
  assert.throws(() => accept(tooSmall), spopError('ERR_SPOP_BAD_MAX_FRAME_SIZE'))
  const least = `${versions} 0e "max-frame-size" 03 f0 01 ${capabilities}` // 256
  assert.equal(accept(least).agreement.maxFrameSize, 256)
})

test('row 17: supported-versions is a list; the answer is exactly "2.0"', () => {
  for (const list of ['2.0', '2.0, 1.5', '1.5 , 2.0', '3.0,2.1']) {
    const length = list.length.toString(16).padStart(2, '0')
    const { reply } = accept(`12 "supported-versions" 08 ${length} "${list}" ${size} ${capabilities}`)
    assert.equal(reply.version, '2.0')
  }
  const other = `12 "supported-versions" 08 08 "3.0, 1.5" ${size} ${capabilities}`
  assert.throws(() => accept(other), spopError('ERR_SPOP_UNSUPPORTED_VERSION'))
})

test('row 18: unknown keys of any type are skipped, and keys come in any order', () => {
  const unknown =
    '01 "a" 00 01 "b" 11 01 "c" 04 f0 00 01 "d" 06 00*4 01 "e" 07 00*16 01 "f" 08 01 "x" 01 "g" 09 00'
  const { reply } = accept(`${unknown} ${capabilities} ${size} ${unknown} ${versions} ${unknown}`)
  assert.equal(reply.maxFrameSize, 16380)
  const left = decoded(2, `${unknown} 07 "message" 08 03 "bye" ${unknown} 0b "status-code" 03 02`)
  assert.deepEqual(left, { type: 'haproxy-disconnect', statusCode: 2, message: 'bye' })
})

test('row 19: the value of healthcheck counts, not its presence', () => {
  assert.equal(decoded(1, `${versions} 0b "healthcheck" 01`)['healthcheck'], false)
  assert.equal(decoded(1, `${versions} 0b "healthcheck" 11`)['healthcheck'], true)
})

test('row 20: empty capabilities are capabilities', () => {
  assert.equal(accept(`${versions} ${size} ${capabilities}`).agreement.pipelining, false)
  assert.throws(() => accept(`${versions} ${size}`), spopError('ERR_SPOP_NO_CAPABILITIES'))
  const agreement = acceptAgentHello(
    { type: 'agent-hello', version: '2.0', maxFrameSize: 16380, capabilities: '' },
    offer,
  )
  assert.equal(agreement.pipelining, false)
})

test('row 21: max-frame-size and status-code may be any of the four integer types', () => {
  for (const type of ['02', '03', '04', '05']) {
    assert.equal(
      accept(`${versions} 0e "max-frame-size" ${type} f0 01 ${capabilities}`).reply.maxFrameSize,
      256,
    )
    assert.equal(decoded(102, `0b "status-code" ${type} 63 07 "message" 08 00`)['statusCode'], 99)
  }
})

test('row 22: DISCONNECT has the codes 0 to 13 and 99, and agents may have their own', () => {
  for (const status of [...Object.values(StatusCode), 14, 98, 100, 1000]) {
    const writer = new Writer()
    encodeFrame(writer, { type: 'agent-disconnect', statusCode: status, message: 'm' })
    assert.equal(plainFrame(decodeFrame(writer.view()))['statusCode'], status)
  }
})

test('row 24: a truncated varint and one of more than ten bytes are status 4', () => {
  for (const ids of ['f0', 'ff ff', 'ff*9', 'ff*11 00', '00 ff*10 00']) {
    assert.throws(
      () => decodeFrame(framed(3, '', 1, ids)),
      (error) => error instanceof SpopError && error.status === 4,
    )
  }
})

test('row 25: an HTTP request is refused by its first four bytes, and the message says what it is', () => {
  const splitter = new FrameSplitter(new SpopFraming())
  splitter.push(Buffer.from('GET'))
  assert.equal(splitter.next(), false)
  splitter.push(Buffer.from(' / HTTP/1.1\r\n'))
  assert.throws(() => splitter.next(), spopError('ERR_SPOP_FRAME_TOO_BIG', /it reads "GET "/))
})

test('defect: a NOTIFY of two messages is not one message with the second as an argument', () => {
  const [first, second, ...rest] = decodeMessages(
    reading('02 "m1" 01 01 "a" 08 01 "x"  02 "m2" 01 01 "b" 08 01 "y"'),
  )
  assert.deepEqual([first?.name, first?.args.length, second?.name, second?.args.length], ['m1', 1, 'm2', 1])
  assert.equal(rest.length, 0)
})

test('defect: no stray NULL stands behind unset-var, so the action behind it is not dropped', () => {
  const bytes = written((writer) =>
    encodeAck(writer, 1, 1, [
      { type: 'unset-var', scope: 'txn', name: 'x' },
      { type: 'set-var', scope: 'txn', name: 'y', value: 1 },
    ]),
  )
  assert.equal(bytes, hex('00000013 67 00000001 01 01  02 02 02 01 "x"  01 03 02 01 "y" 04 01'))
  const dropped: SpopError[] = []
  const kept = decodeActions(reading('02 02 02 01 "x" 00  01 03 02 01 "y" 04 01'), (error) =>
    dropped.push(error),
  )
  assert.equal(kept.length, 1, 'what HAProxy makes of the stray byte')
  assert.equal(dropped.length, 1)
})

test('defect: async is agreed only when it is offered', () => {
  const both = '0c "capabilities" 08 10 "pipelining,async"'
  const { reply, agreement } = accept(`${versions} ${size} ${both}`)
  assert.equal(reply.capabilities, 'pipelining,fragmentation')
  assert.equal(agreement.async, false)
})

test('defect: a health check has no engine-id and no capabilities, and is answered with all three keys', () => {
  const { reply } = accept(`${versions} ${size} ${capabilities} 0b "healthcheck" 11`)
  const writer = new Writer()
  encodeFrame(writer, { ...reply, capabilities: '' })
  const keys = `07 "version" 08 03 "2.0" ${size} ${capabilities}`
  assert.equal(writer.view().toString('hex'), hex(`00000036 65 00000001 00 00 ${keys}`))
  assert.equal(typeof reply.capabilities, 'string')
})

test('defect: keys are compared whole, not by how they begin', () => {
  assert.throws(
    () => accept(`13 "supported-versionsX" 08 03 "2.0" ${size} ${capabilities}`),
    spopError('ERR_SPOP_NO_VERSION'),
  )
  assert.throws(
    () => accept(`${versions} 03 "max" 03 f0 01 ${capabilities}`),
    spopError('ERR_SPOP_NO_MAX_FRAME_SIZE'),
  )
})

test('defect: more than 127 arguments are not negative', () => {
  const [message, next] = decodeMessages(reading('01 "m" c8 00*400 01 "n" 00'))
  assert.deepEqual([message?.args.length, next?.name], [200, 'n'])
})

test('defect: both keys of a DISCONNECT are found where they are, whatever stands between', () => {
  const left = decoded(102, '07 "message" 08 f0 00 "m"*240  03 "foo" 04 f0 00  0b "status-code" 03 05')
  assert.deepEqual(left, { type: 'agent-disconnect', statusCode: 5, message: 'm'.repeat(240) })
})
