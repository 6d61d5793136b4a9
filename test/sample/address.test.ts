import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAddress, parseMask, readAddress, readIpv4 } from '#src/sample/address.js'
import { parseIp } from '#src/net/ip.js'

test('an IPv4 address may be followed by anything but another number', () => {
  assert.equal(readIpv4('192.0.2.1:80')?.length, 9)
  assert.deepEqual(readIpv4('010.1.2.3')?.bytes, Uint8Array.of(10, 1, 2, 3))
  assert.equal(readIpv4('192.0.2.256'), undefined)
  assert.equal(readIpv4('192.0.2.1.5'), undefined)
  assert.equal(readIpv4('x192.0.2.1'), undefined)
  assert.equal(readAddress('::g'), undefined)
})

test('addresses are written as inet_ntop does', () => {
  const written = ['192.0.2.1', '2001:db8::1', '::', '::1', '::ffff:192.0.2.1', '::1.2.3.4', '1:0:0:2::3']
  for (const text of written) assert.equal(formatAddress(parseIp(text) ?? new Uint8Array()), text)
})

test('masks are bits or an address', () => {
  assert.deepEqual(parseMask('24', 4), Uint8Array.of(255, 255, 255, 0))
  assert.deepEqual(parseMask('0', 4), new Uint8Array(4))
  assert.deepEqual(parseMask('255.0.0.255', 4), Uint8Array.of(255, 0, 0, 255))
  assert.equal(parseMask('ffff::', 16)?.[2], 0)
  assert.equal(parseMask('33', 4), undefined)
  assert.equal(parseMask('129', 16), undefined)
  assert.equal(parseMask('-1', 4), undefined)
  assert.equal(parseMask('1.2', 4), undefined)
})
