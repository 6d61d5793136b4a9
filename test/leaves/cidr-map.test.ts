import assert from 'node:assert/strict'
import { BlockList } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { CidrMap, formatIp, IpAddress, parseCidr, parseIp, UsageError, type Cidr } from 'sluice'

test('ranges are an address and a number of bits; a bare address is one of all bits', () => {
  const plain = (text: string) => {
    const cidr = parseCidr(text)
    return cidr && `${formatIp(cidr.bytes)}/${cidr.bits}`
  }
  assert.equal(plain('192.0.2.0/24'), '192.0.2.0/24')
  assert.equal(plain('192.0.2.1'), '192.0.2.1/32')
  assert.equal(plain('0.0.0.0/0'), '0.0.0.0/0')
  assert.equal(plain('2001:db8::/32'), '2001:db8::/32')
  assert.equal(plain('::1'), '::1/128')
  for (const wrong of [
    '',
    '/',
    '1.2.3.4/',
    '1.2.3.4/33',
    '::/129',
    '1.2.3.4/-1',
    '1.2.3.4/a',
    '1.2.3/24',
    '/24',
    '1.2.3.4/24/8',
    '1.2.3.4/ 24',
    '::/1000',
    '1.2.3.4/1.5',
  ]) {
    assert.equal(plain(wrong), undefined, wrong)
  }
})

test('the longest prefix wins, whatever the order', () => {
  const ranges = [
    ['0.0.0.0/0', 'any'],
    ['10.0.0.0/8', 'eight'],
    ['10.1.0.0/16', 'sixteen'],
    ['10.1.2.0/23', 'twenty-three'],
    ['10.1.2.3', 'one'],
  ] as const
  for (const order of [ranges, [...ranges].reverse()]) {
    const map = new CidrMap<string>()
    for (const [range, value] of order) map.set(range, value)
    assert.equal(map.size, 5)
    assert.equal(map.get('10.1.2.3'), 'one')
    assert.equal(map.get('10.1.3.255'), 'twenty-three')
    assert.equal(map.get('10.1.4.0'), 'sixteen')
    assert.equal(map.get('10.2.0.0'), 'eight')
    assert.equal(map.get('11.0.0.0'), 'any')
    assert.equal(map.get('::1'), undefined, 'families are apart')
  }
})

test('bits of the host part of a range do not count', () => {
  const map = new CidrMap<number>().set('192.0.2.77/24', 1).set('2001:db8::ffff/32', 2)
  assert.equal(map.get('192.0.2.0'), 1)
  assert.equal(map.get('2001:db8:1::'), 2)
  assert.equal(map.get('192.0.3.0'), undefined)
  assert.equal(map.get('2001:db9::'), undefined)
})

test('a range set twice has the later value', () => {
  const map = new CidrMap<number>().set('192.0.2.0/24', 1).set('192.0.2.0/24', 2)
  assert.equal(map.get('192.0.2.9'), 2)
})

test('a mapped address is looked up as IPv4 first, then as what it is', () => {
  const map = new CidrMap<string>().set('192.0.2.0/24', 'v4').set('::/0', 'any v6')
  assert.equal(map.get('::ffff:192.0.2.7'), 'v4')
  assert.equal(map.get('::ffff:198.51.100.1'), 'any v6')
  assert.equal(map.get('::fffe:192.0.2.7'), 'any v6')
  assert.equal(map.get('1::ffff:192.0.2.7'), 'any v6')
  assert.equal(map.get('198.51.100.1'), undefined)
  const within = new CidrMap<string>().set('::ffff:192.0.2.0/120', 'mapped range')
  assert.equal(within.get('::ffff:192.0.2.7'), 'mapped range')
  assert.equal(within.get('192.0.2.7'), undefined)
})

test('addresses may be bytes, and what is no address is in no range', () => {
  const map = new CidrMap<string>().set('0.0.0.0/0', 'x').set(parseCidr('::/0') as Cidr, 'y')
  assert.equal(map.get(Uint8Array.of(1, 2, 3, 4)), 'x')
  assert.equal(map.get(new Uint8Array(16)), 'y')
  assert.equal(map.get('nowhere'), undefined)
  assert.ok(map.has('1.2.3.4'))
  assert.ok(!map.has('nowhere'))
})

test('what is no range is a UsageError that says so', () => {
  assert.throws(
    () => new CidrMap().set('10.0.0.0/33', 1),
    (error) =>
      error instanceof UsageError &&
      error.code === 'ERR_SLUICE_ADDRESS' &&
      /'10\.0\.0\.0\/33'/.test(error.message),
  )
})

/** Few distinct bytes, so that ranges and addresses meet. */
const address = (length: number) =>
  fc
    .array(fc.constantFrom(0, 1, 127, 128, 254, 255), { minLength: length, maxLength: length })
    .map((list) => Uint8Array.from(list))
const range = fc.oneof(
  fc.tuple(address(4), fc.integer({ min: 0, max: 32 })),
  fc.tuple(address(16), fc.integer({ min: 0, max: 128 })),
)

function holds([network, bits]: readonly [Uint8Array, number], candidate: Uint8Array): boolean {
  if (network.length !== candidate.length) return false
  const binary = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  return binary(network).slice(0, bits) === binary(candidate).slice(0, bits)
}

const familyOf = (bytes: Uint8Array) => (bytes.length === 4 ? 'ipv4' : 'ipv6')
const isMapped = (bytes: Uint8Array) => bytes.length === 16 && formatIp(bytes).startsWith('::ffff:')

test('it finds what a look at every range finds, and what net.BlockList finds', () => {
  fc.assert(
    fc.property(
      fc.array(range, { maxLength: 12 }),
      fc.array(fc.oneof(address(4), address(16)), { maxLength: 12 }),
      (ranges, addresses) => {
        const map = new CidrMap<number>()
        const lists = { 4: new BlockList(), 16: new BlockList() } // one alone would hold IPv4 in `::/0`
        for (const [index, [bytes, bits]] of ranges.entries()) {
          map.set({ bytes, bits }, index)
          lists[bytes.length as 4 | 16].addSubnet(formatIp(bytes), bits, familyOf(bytes))
        }
        for (const bytes of addresses.filter((each) => !isMapped(each))) {
          const best = ranges
            .map((each, index) => ({ each, index }))
            .filter(({ each }) => holds(each, bytes))
            .sort((a, b) => b.each[1] - a.each[1] || b.index - a.index)[0]?.index
          assert.equal(map.get(bytes), best)
          assert.equal(map.get(formatIp(bytes)), best)
          assert.equal(map.get(IpAddress.fromBytes(bytes)), best)
          assert.equal(map.has(bytes), best !== undefined)
          assert.equal(
            lists[bytes.length as 4 | 16].check(formatIp(bytes), familyOf(bytes)),
            best !== undefined,
          )
          assert.deepEqual(parseIp(formatIp(bytes)), bytes)
        }
      },
    ),
    { seed: 5, numRuns: 150 },
  )
})
