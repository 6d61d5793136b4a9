import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeFrame, encodeFrame, IpAddress, StringData, Writer, type Frame } from 'sluice/spop'
import { parseHex } from '../support/hex.ts'
import { hex, spopError, written } from './support.ts'

test('bytes and values are what a program sees', () => {
  const frame = decodeFrame(parseHex('00000016 03 00000001 07 01 05 "check" 01 02 "ip" 06 7f000001'))
  assert.equal(frame.type, 'notify')
  assert.equal(frame.messages[0]?.name, 'check')
  const data = frame.messages[0].get('ip')
  assert.ok(data?.type === 'ipv4' && data.value instanceof IpAddress)
  assert.equal(data.value.toString(), '127.0.0.1')
})

test('a length that does not fit says how', () => {
  assert.throws(
    () => decodeFrame(parseHex('00 00 00 09 03 00 00 00 01 01 01')),
    spopError('ERR_SPOP_TRUNCATED', /a length of 9 bytes with 7 there/),
  )
  assert.throws(
    () => decodeFrame(parseHex('00 00 00 07 03 00 00 00 01 01 01 00 00')),
    spopError('ERR_SPOP_INVALID_FRAME', /a length of 7 bytes with 9 there/),
  )
  assert.throws(() => decodeFrame(Buffer.alloc(0)), spopError('ERR_SPOP_TRUNCATED'))
})

test('what HELLO, DISCONNECT and ACK may not be is told by their name', () => {
  for (const [type, name] of [
    ['01', 'HAPROXY-HELLO'],
    ['65', 'AGENT-HELLO'],
    ['02', 'HAPROXY-DISCONNECT'],
    ['66', 'AGENT-DISCONNECT'],
  ] as const) {
    assert.throws(
      () => decodeFrame(parseHex(`00000007 ${type} 00000000 00 00`)),
      spopError('ERR_SPOP_FRAGMENTATION', new RegExp(`: ${name} cannot be fragmented`)),
    )
    assert.throws(
      () => decodeFrame(parseHex(`00000007 ${type} 00000001 02 03`)),
      spopError('ERR_SPOP_INVALID_FRAME', new RegExp(`${name} with ids 2/3, wanted 0/0`)),
    )
  }
  assert.throws(
    () => decodeFrame(parseHex('00000007 67 00000000 01 01')),
    spopError('ERR_SPOP_FRAGMENTATION', /: ACK cannot be fragmented/),
  )
})

test('frames follow one another in one writer', () => {
  const bytes = written((writer) => {
    encodeFrame(writer, { type: 'ack', streamId: 1, frameId: 1, fin: true, abort: false, actions: [] })
    encodeFrame(writer, { type: 'agent-disconnect', statusCode: 0, message: 'normal' })
  })
  assert.equal(
    bytes,
    hex(
      '00000007 67 00000001 01 01  00000025 66 00000001 00 00 0b "status-code" 03 00 07 "message" 08 06 "normal"',
    ),
  )
})

test('a frame that cannot be sent leaves nothing behind, whatever is wrong with it', () => {
  const ids = { streamId: 1, frameId: 1, fin: true, abort: false }
  const wrong: unknown[] = [
    { type: 'ack', ...ids, streamId: 0.5, actions: [] },
    { type: 'ack', ...ids, frameId: NaN, actions: [] },
    {
      type: 'ack',
      ...ids,
      actions: [{ type: 'set-var', scope: 'txn', name: 'x', value: { type: 'int32', value: 2 ** 40 } }],
    },
    { type: 'notify', ...ids, messages: [{ name: 'm', args: [['a', { type: 'int64', value: 0.5 }]] }] },
    { type: 'unset', ...ids, streamId: 2n ** 64n, payload: Buffer.alloc(1) },
    { type: 'haproxy-hello', maxFrameSize: -1, healthcheck: false },
    { type: 'agent-hello', version: '2.0', maxFrameSize: 2 ** 32 },
    { type: 'agent-disconnect', statusCode: -1, message: '' },
  ]
  for (const frame of wrong) {
    const bytes = written((writer) => {
      writer.uint8(0xaa)
      assert.throws(
        () => encodeFrame(writer, frame as Frame),
        spopError('ERR_SPOP_VALUE', undefined, 'local'),
      )
    })
    assert.equal(bytes, 'aa')
  }
})

test('the payload of a frame is a view: it is not copied', () => {
  const bytes = parseHex('00000009 00 00000001 01 02 "lo"')
  const frame = decodeFrame(bytes)
  assert.equal(frame.type, 'unset')
  assert.equal(frame.payload.buffer, bytes.buffer)
  const string = decodeFrame(parseHex('0000000f 03 00000001 01 01 01 "m" 01 01 "a" 08 01 "x"'))
  assert.ok(string.type === 'notify' && string.messages[0]?.args[0]?.[1] instanceof StringData)
})

test('frames of any size are written', () => {
  const writer = new Writer(1)
  const value = Buffer.alloc(100_000, 7)
  encodeFrame(writer, {
    type: 'ack',
    streamId: 1,
    frameId: 1,
    fin: true,
    abort: false,
    actions: [{ type: 'set-var', scope: 'req', name: 'x', value: { type: 'binary', value } }],
  })
  const frame = decodeFrame(writer.view())
  assert.ok(frame.type === 'ack' && frame.actions[0]?.type === 'set-var')
  assert.deepEqual(frame.actions[0].value, { type: 'binary', value })
})
