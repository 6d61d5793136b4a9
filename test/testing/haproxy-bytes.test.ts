/** The templates are what HAProxy says, byte for byte. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  haproxyDisconnectBytes,
  haproxyHeadersBytes,
  haproxyHelloBytes,
  healthCheckBytes,
  parseCapture,
  type CapturedConnection,
} from 'sluice/testing'
import { hex } from '../support/peer.ts'

const versions = ['2.6.12', '3.0.0', '3.2.0', '3.5-dev5'] as const

function capture(version: string): CapturedConnection[] {
  return parseCapture(readFileSync(`test/vectors/captures/haproxy-${version}.jsonl`, 'utf8'))
}

/** The first chunk of each connection that HAProxy opened. */
function firstChunks(version: string): Buffer[] {
  return capture(version).map(({ steps }) => steps[0]?.bytes ?? Buffer.alloc(0))
}

for (const version of versions) {
  test(`${version}: the health check is the template`, () => {
    assert.deepEqual(firstChunks(version)[0], healthCheckBytes)
  })

  test(`${version}: every HELLO is the template with its engine-id`, () => {
    const hellos = firstChunks(version).slice(1)
    assert.ok(hellos.length > 0)
    for (const bytes of hellos) {
      const engineId = bytes.toString('latin1', bytes.length - 36)
      assert.match(engineId, /^[0-9a-f-]{36}$/)
      const capabilities =
        version.startsWith('2.6') || version === '3.0.0' ? 'pipelining,async' : 'pipelining'
      // The configuration of the captures has max-frame-size 1024.
      assert.deepEqual(haproxyHelloBytes({ capabilities, engineId, maxFrameSize: 1024 }), bytes)
    }
  })
}

test('with the size that HAProxy has by default, HELLO takes 129 bytes up to 3.0 and 123 since', () => {
  const engineId = '4c16e5b1-a9d3-4d1b-8a0c-37d2c1a0d9f3'
  const size = (capabilities: string) =>
    haproxyHelloBytes({ capabilities, engineId, maxFrameSize: 16_380 }).readUInt32BE(0)
  assert.deepEqual(
    [size('pipelining,async'), size('pipelining'), healthCheckBytes.readUInt32BE(0)],
    [129, 123, 78],
  )
})

test('the farewells of the captures are the template', () => {
  const said = capture('2.6.12').flatMap(({ steps }) =>
    steps.filter(({ from, bytes }) => from === 'haproxy' && bytes[4] === 2).map(({ bytes }) => bytes),
  )
  assert.equal(said.length, 6)
  assert.deepEqual(said[0], haproxyDisconnectBytes(3, 'frame is too big'))
  for (const bytes of said.slice(1)) assert.deepEqual(bytes, haproxyDisconnectBytes(0, 'normal'))
})

test('a size of four varint bytes', () => {
  const bytes = haproxyHelloBytes({ capabilities: '', engineId: 'e', maxFrameSize: 16_777_216 })
  // 16777216 - 240 = 16776976; 1048561 sixteens: 0xf1; then 8190: 0xfe; then 62: 0x3e.
  assert.ok(bytes.includes(hex('"max-frame-size" 03 f0 f1 fe 3e 0c')))
})

test('headers are names in lower case and values behind their lengths, with two empty strings at the end', () => {
  const long = 'v'.repeat(300)
  const bytes = haproxyHeadersBytes([
    ['Host', 'a.test'],
    ['X-Twice', '1'],
    ['x-twice', ''],
    ['x-latin', 'h\xe9'],
    ['x-long', long],
  ])
  // 300 - 240 = 60: 0xf0 + 60 % 16, then 3.
  const wanted = `04 "host" 06 "a.test" 07 "x-twice" 01 "1" 07 "x-twice" 00 07 "x-latin" 02 "h" e9
    06 "x-long" fc 03 "${long}" 00 00`
  assert.deepEqual(bytes, hex(wanted))
  assert.deepEqual(haproxyHeadersBytes([]), hex('00 00'))
})
