import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { canCast, castTo } from '#src/sample/cast.js'
import { addr, bin, bool, meth, sint, str } from '#src/sample/index.js'
import type { SampleType, SampleValue } from '#src/sample/index.js'

const v4 = addr(Uint8Array.of(192, 0, 2, 1))
const v6 = addr(Uint8Array.of(0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1))
const mapped = addr(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1))

const rows: readonly (readonly [SampleValue, SampleType, SampleValue | undefined])[] = [
  [bool(true), 'sint', sint(1)],
  [bool(false), 'str', str('0')],
  [bool(true), 'bin', bin(Buffer.from('0000000000000001', 'hex'))],
  [sint(-5), 'str', str('-5')],
  [sint(-9223372036854775808n), 'str', str('-9223372036854775808')],
  [sint(-2), 'bin', bin(Buffer.from('fffffffffffffffe', 'hex'))],
  [sint(3221225985), 'ipv4', v4],
  [sint(3221225985), 'ipv6', mapped],
  [sint(-1), 'addr', addr(Uint8Array.of(255, 255, 255, 255))],
  [v4, 'sint', sint(3221225985)],
  [v4, 'str', str('192.0.2.1')],
  [v4, 'ipv6', mapped],
  [v4, 'bin', bin(Buffer.from('c0000201', 'hex'))],
  [v6, 'str', str('2001:db8::1')],
  [v6, 'ipv4', undefined],
  [mapped, 'ipv4', v4],
  [mapped, 'str', str('::ffff:192.0.2.1')],
  [str('12x'), 'sint', sint(12)],
  [str('x'), 'sint', sint(0)],
  [str(''), 'sint', undefined],
  [str('1'), 'bool', sint(1)],
  [str('192.0.2.1:80'), 'addr', v4],
  [str('192.0.2'), 'addr', undefined],
  [str('2001:db8::1'), 'addr', v6],
  [str('2001:db8::1'), 'ipv4', undefined],
  [str('192.0.2.1'), 'ipv6', undefined],
  [str('2001:db8::1'), 'ipv6', v6],
  [str('a\0b'), 'bin', str('a\0b')],
  [bin(Buffer.from('a\0b')), 'str', str('a')],
  [bin(Buffer.from('GET')), 'meth', meth('GET')],
  [str('BREW'), 'meth', meth('BREW')],
  [meth('GET'), 'str', str('GET')],
  [meth('GET'), 'bin', str('GET')],
]

test('casts give what HAProxy gives', () => {
  for (const [value, type, expected] of rows) {
    assert.ok(canCast(value.type, type), `${value.type} to ${type}`)
    assert.deepEqual(castTo(type)(value), expected, `${value.type} ${String(value.value)} to ${type}`)
  }
})

test('casts that do not exist are known before anything is evaluated', () => {
  const impossible: readonly (readonly [SampleType, SampleType])[] = [
    ['bool', 'ipv4'],
    ['ipv6', 'sint'],
    ['ipv4', 'bool'],
    ['bin', 'sint'],
    ['bin', 'addr'],
    ['meth', 'sint'],
    ['addr', 'str'],
    ['sint', 'meth'],
  ]
  for (const [from, to] of impossible) assert.equal(canCast(from, to), false, `${from} to ${to}`)
  assert.equal(castTo('addr')(bool(true)), undefined)
  assert.equal(castTo('ipv4')(meth('GET')), undefined)
  assert.equal(castTo('sint')(meth('GET')), undefined)
  assert.equal(castTo('meth')(sint(1)), undefined)
})
