import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatIp, IpAddress, parseIp, UsageError } from 'sluice'

const hexOf = (text: string) => {
  const bytes = parseIp(text)
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('hex')
}

test('IPv4 is four decimal numbers without leading zeros', () => {
  for (const [text, hex] of [
    ['0.0.0.0', '00000000'],
    ['127.0.0.1', '7f000001'],
    ['255.255.255.255', 'ffffffff'],
    ['192.0.2.10', 'c000020a'],
  ] as const) {
    assert.equal(hexOf(text), hex)
    assert.equal(formatIp(Buffer.from(hex, 'hex')), text)
  }
  for (const text of [
    '',
    '1',
    '1.2.3',
    '1.2.3.4.',
    '1.2.3.4.5',
    '256.0.0.1',
    '01.2.3.4',
    '1.2.3.00',
    '1..2.3',
    '.1.2.3',
    '1.2.3.4 ',
    ' 1.2.3.4',
    '1.2.3.a',
    '1.2.3.-4',
    '1.2.3.0004',
    '1,2,3,4',
    '0x1.2.3.4',
  ]) {
    assert.equal(hexOf(text), undefined, text)
  }
})

test('IPv6 in all its forms', () => {
  const rest = '0'.repeat(20)
  for (const [text, hex] of [
    ['::', '0'.repeat(32)],
    ['::1', `${'0'.repeat(31)}1`],
    ['1::', `0001${'0'.repeat(28)}`],
    ['2001:db8::1', `20010db8${rest}0001`],
    ['2001:DB8:0:0:0:0:0:1', `20010db8${rest}0001`],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['1:2:3:4:5:6:7::', '00010002000300040005000600070000'],
    ['::2:3:4:5:6:7:8', '00000002000300040005000600070008'],
    ['::ffff:192.0.2.1', `${rest}ffffc0000201`],
    ['::192.0.2.1', `${rest}0000c0000201`],
    ['64:ff9b::192.0.2.33', `0064ff9b${'0'.repeat(16)}c0000221`],
    ['1:2:3:4:5:6:192.0.2.1', '000100020003000400050006c0000201'],
  ] as const) {
    assert.equal(hexOf(text), hex, text)
  }
  for (const text of [
    ':',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    '1:2:3:4:5:6:7:8::',
    '12345::',
    'g::',
    '::1 ',
    '1.2.3.4::',
    '::1.2.3.4:5',
    '1:2:3:4:5:6:7:1.2.3.4',
    '::1.2.3',
    '::01.2.3.4',
    ':1::',
    '1:',
    '[::1]',
    '::1%lo',
  ]) {
    assert.equal(hexOf(text), undefined, text)
  }
})

test('IPv6 is written short, as RFC 5952 says', () => {
  for (const [long, short] of [
    ['0:0:0:0:0:0:0:0', '::'],
    ['2001:0db8:0:0:0:0:0:0001', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['ABCD::', 'abcd::'],
    ['0:0:0:0:0:ffff:c000:201', '::ffff:192.0.2.1'],
    ['0:0:0:0:0:fffe:c000:201', '::fffe:c000:201'],
    ['1:0:0:0:0:ffff:c000:201', '1::ffff:c000:201'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['1:0:0:0:0:0:0:0', '1::'],
  ] as const) {
    const bytes = parseIp(long)
    assert.ok(bytes)
    assert.equal(formatIp(bytes), short)
  }
})

test('what is an address is what node:net says', () => {
  const piece = fc.constantFrom(
    '0',
    '1',
    '00',
    '01',
    '255',
    '256',
    'ffff',
    'fffff',
    'G',
    '.',
    ':',
    '::',
    '.0',
    ':1',
    '',
  )
  const likely = fc.array(piece, { maxLength: 16 }).map((pieces) => pieces.join(''))
  fc.assert(
    fc.property(fc.oneof(likely, fc.ipV4(), fc.ipV6(), fc.ipV4Extended()), (text) => {
      const family = isIP(text)
      const bytes = parseIp(text)
      assert.equal(
        bytes === undefined ? 0 : bytes.length === 4 ? 4 : 6,
        text.includes('%') ? 0 : family,
        text,
      )
    }),
    { seed: 3, numRuns: 4000 },
  )
})

test('any bytes come back from their text, which node:net knows as an address', () => {
  const some = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
  const sparse = fc
    .array(fc.constantFrom(0, 0, 0, 1, 255), { minLength: 16, maxLength: 16 })
    .map((list) => Uint8Array.from(list))
  fc.assert(
    fc.property(fc.oneof(some(4), some(16), sparse), (bytes) => {
      const text = formatIp(bytes)
      assert.equal(isIP(text), bytes.length === 4 ? 4 : 6)
      assert.deepEqual(parseIp(text), bytes)
      assert.equal(text, text.toLowerCase())
    }),
    { seed: 4, numRuns: 1000 },
  )
})

test('an IpAddress is made from a number, from bytes and from text', () => {
  const v4 = IpAddress.fromUint32(0xc0000201)
  assert.deepEqual([v4.family, v4.v4, String(v4)], [4, 0xc0000201, '192.0.2.1'])
  assert.equal(IpAddress.fromUint32(-1).v4, 0xffff_ffff)
  assert.equal(String(IpAddress.fromBytes(Uint8Array.of(255, 0, 0, 1))), '255.0.0.1')
  assert.deepEqual(v4.bytes, Uint8Array.of(192, 0, 2, 1))
  const v6 = IpAddress.parse('2001:db8::1')
  assert.deepEqual([v6.family, v6.v4, String(v6)], [6, 0, '2001:db8::1'])
  assert.equal(JSON.stringify({ v4, v6 }), '{"v4":"192.0.2.1","v6":"2001:db8::1"}')
  assert.equal(IpAddress.parse('10.0.0.255').v4, 0x0a0000ff)
})

test('an IPv6 address from its four words', () => {
  const bytes = Uint8Array.from({ length: 16 }, (_, index) => index * 17)
  const address = IpAddress.fromWords(0x00112233, 0x44556677, 0x8899aabb, 0xccddeeff)
  assert.deepEqual([address.family, address.v4], [6, 0])
  assert.deepEqual(address.bytes, bytes)
  assert.ok(address.equals(IpAddress.fromBytes(bytes)))
  assert.ok(!address.equals(IpAddress.fromWords(0x00112233, 0x44556677, 0x8899aabb, 0xccddeefe)))
})

test('an IpAddress cannot be changed from outside', () => {
  const bytes = new Uint8Array(16).fill(1)
  const address = IpAddress.fromBytes(bytes)
  bytes.fill(2)
  address.bytes.fill(3)
  assert.deepEqual(address.bytes, new Uint8Array(16).fill(1))
})

test('addresses are equal when family and bytes are', () => {
  const equal = (a: string, b: string) => IpAddress.parse(a).equals(IpAddress.parse(b))
  assert.ok(equal('1.2.3.4', '1.2.3.4'))
  assert.ok(!equal('1.2.3.4', '1.2.3.5'))
  assert.ok(equal('::1', '0:0::1'))
  assert.ok(!equal('::1', '::2'))
  assert.ok(!equal('0.0.0.0', '::'))
  assert.ok(!equal('1.2.3.4', '::ffff:1.2.3.4'))
})

test('what is no address is a UsageError that says so', () => {
  const address = (error: unknown) => error instanceof UsageError && error.code === 'ERR_SLUICE_ADDRESS'
  assert.throws(() => IpAddress.parse('nowhere'), address)
  assert.throws(() => IpAddress.parse('nowhere'), /'nowhere' is not an IP address/)
  for (const length of [0, 3, 5, 15, 17]) {
    assert.throws(() => IpAddress.fromBytes(new Uint8Array(length)), address)
    assert.throws(() => IpAddress.fromBytes(new Uint8Array(length)), new RegExp(`not ${length}$`))
  }
})
