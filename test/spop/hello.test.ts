import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  decodeAgentHello,
  decodeHaproxyHello,
  encodeAgentHello,
  encodeHaproxyHello,
  type AgentHelloFrame,
  type HaproxyHelloFrame,
} from 'sluice/spop'
import { hex, reading, spopError, written } from './support.ts'

const keys = '12 "supported-versions" 08 03 "2.0"  0e "max-frame-size" 03 fcf006  0c "capabilities" 08 00'

test('a HAPROXY-HELLO is written with the keys it has, in the order of HAProxy', () => {
  const hello: HaproxyHelloFrame = {
    type: 'haproxy-hello',
    supportedVersions: '2.0',
    maxFrameSize: 16380,
    capabilities: '',
    healthcheck: true,
    engineId: 'e1',
  }
  assert.equal(
    written((writer) => encodeHaproxyHello(writer, hello)),
    hex(`0000005c 01 00000001 00 00 ${keys} 0b "healthcheck" 11 09 "engine-id" 08 02 "e1"`),
  )
  const none = { ...hello, supportedVersions: undefined, maxFrameSize: undefined, healthcheck: false }
  assert.equal(
    written((writer) =>
      encodeHaproxyHello(writer, { ...none, capabilities: undefined, engineId: undefined }),
    ),
    hex('00000007 01 00000001 00 00'),
  )
  assert.equal(
    written((writer) => encodeHaproxyHello(writer, { ...none, capabilities: 'a', engineId: '' })),
    hex('00000023 01 00000001 00 00 0c "capabilities" 08 01 "a" 09 "engine-id" 08 00'),
  )
})

test('an AGENT-HELLO is written with the keys it has; empty capabilities are there', () => {
  const hello: AgentHelloFrame = {
    type: 'agent-hello',
    version: '2.0',
    maxFrameSize: 16380,
    capabilities: '',
  }
  assert.equal(
    written((writer) => encodeAgentHello(writer, hello)),
    hex(
      '00000036 65 00000001 00 00 07 "version" 08 03 "2.0" 0e "max-frame-size" 03 fcf006 0c "capabilities" 08 00',
    ),
  )
  const none: AgentHelloFrame = {
    type: 'agent-hello',
    version: undefined,
    maxFrameSize: undefined,
    capabilities: undefined,
  }
  assert.equal(
    written((writer) => encodeAgentHello(writer, none)),
    hex('00000007 65 00000001 00 00'),
  )
})

test('keys of a wrong type are told with the key, what it is and what was wanted', () => {
  for (const [bytes, message] of [
    ['12 "supported-versions" 03 02', /"supported-versions" is uint32, wanted string/],
    ['0e "max-frame-size" 08 00', /"max-frame-size" is string, wanted an integer/],
    ['0e "max-frame-size" 11', /"max-frame-size" is boolean, wanted an integer/],
    ['0c "capabilities" 00', /"capabilities" is null, wanted string/],
    ['09 "engine-id" 09 00', /"engine-id" is binary, wanted string/],
  ] as const) {
    assert.throws(() => decodeHaproxyHello(reading(bytes)), spopError('ERR_SPOP_INVALID_FRAME', message))
  }
  for (const [bytes, message] of [
    ['07 "version" 04 02', /"version" is int64, wanted string/],
    ['0e "max-frame-size" 00', /"max-frame-size" is null, wanted an integer/],
    ['0c "capabilities" 01', /"capabilities" is boolean, wanted string/],
  ] as const) {
    assert.throws(() => decodeAgentHello(reading(bytes)), spopError('ERR_SPOP_INVALID_FRAME', message))
  }
})

test('a size beyond 2^53 is a number still: the handshake refuses it', () => {
  const hello = decodeHaproxyHello(reading('0e "max-frame-size" 05 ff f0 fe*7 0e'))
  assert.equal(hello.maxFrameSize, 2 ** 64)
  assert.equal(decodeAgentHello(reading('0e "max-frame-size" 04 ff f0 fe*7 0e')).maxFrameSize, -1)
})

test('a healthcheck that is true is one; false, another type, or nothing is none', () => {
  for (const [bytes, expected] of [
    ['0b "healthcheck" 11', true],
    ['0b "healthcheck" 01', false],
    ['0b "healthcheck" 08 04 "true"', false],
    ['0b "healthcheck" 00', false],
    ['', false],
  ] as const) {
    assert.equal(decodeHaproxyHello(reading(bytes)).healthcheck, expected)
  }
})
