import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeDisconnect, encodeDisconnect, StatusCode, statusText } from 'sluice/spop'
import { hex, reading, written } from './support.ts'

const encode = (
  message: string,
  statusCode = 4,
  type: 'haproxy-disconnect' | 'agent-disconnect' = 'agent-disconnect',
) => written((writer) => encodeDisconnect(writer, { type, statusCode, message }))

test('both directions have the same payload', () => {
  const payload = '0b "status-code" 03 04 07 "message" 08 03 "bad"'
  assert.equal(encode('bad'), hex(`00000022 66 00000001 00 00 ${payload}`))
  assert.equal(encode('bad', 4, 'haproxy-disconnect'), hex(`00000022 02 00000001 00 00 ${payload}`))
  for (const type of ['haproxy-disconnect', 'agent-disconnect'] as const) {
    assert.deepEqual(decodeDisconnect(reading(payload), type), { type, statusCode: 4, message: 'bad' })
  }
})

test('every code has its sentence, and a code of the agent says its number', () => {
  for (const status of Object.values(StatusCode)) {
    const bytes = status.toString(16).padStart(2, '0')
    const { statusCode, message } = decodeDisconnect(
      reading(`0b "status-code" 03 ${bytes}`),
      'agent-disconnect',
    )
    assert.equal(statusCode, status)
    assert.equal(message, statusText(status))
    assert.doesNotMatch(message, /status/)
  }
  assert.equal(statusText(14), 'status 14')
})

test('the sentences are those of SPOE.txt 3.5', () => {
  assert.deepEqual(Object.values(StatusCode).map(statusText), [
    'normal',
    'I/O error',
    'a timeout occurred',
    'frame is too big',
    'invalid frame received',
    'version value not found',
    'max-frame-size value not found',
    'capabilities value not found',
    'unsupported version',
    'max-frame-size too big or too small',
    'payload fragmentation is not supported',
    'invalid interlaced frames',
    'frame-id not found',
    'resource allocation error',
    'an unknown error occurred',
  ])
})

test('a message over 255 bytes is cut at a character', () => {
  const messageOf = (bytes: string) => {
    const frame = decodeDisconnect(reading(bytes.slice(22)), 'agent-disconnect')
    return frame.message
  }
  assert.equal(messageOf(encode('x'.repeat(255))), 'x'.repeat(255))
  assert.equal(messageOf(encode('x'.repeat(256))), 'x'.repeat(255))
  assert.equal(messageOf(encode('é'.repeat(127))), 'é'.repeat(127))
  assert.equal(messageOf(encode('é'.repeat(128))), 'é'.repeat(127))
  assert.equal(messageOf(encode(`x${'é'.repeat(127)}`)), `x${'é'.repeat(127)}`)
  assert.equal(messageOf(encode(`${'x'.repeat(254)}€`)), 'x'.repeat(254))
  assert.equal(messageOf(encode(`${'x'.repeat(253)}€`)), 'x'.repeat(253))
  assert.equal(messageOf(encode(`${'x'.repeat(252)}€`)), `${'x'.repeat(252)}€`)
  assert.equal(messageOf(encode(`${'x'.repeat(252)}😀`)), 'x'.repeat(252))
})

test('a DISCONNECT without a status is normal, as it is for HAProxy', () => {
  for (const payload of ['', '07 "message" 08 03 "bye"', '0b "status-code" 08 01 "7"']) {
    assert.equal(decodeDisconnect(reading(payload), 'agent-disconnect').statusCode, 0)
  }
})
