import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addr, sint } from '#src/sample/index.js'
import { matchMethods } from '#src/sample/patterns/match-method.js'
import { addWord, type PatternSet } from '#src/sample/patterns/pattern-set.js'

function build(method: 'int' | 'ip', patterns: readonly string[]): PatternSet {
  const set = matchMethods[method].create(false)
  for (const pattern of patterns) assert.equal(addWord(set, pattern), undefined, pattern)
  return set
}

// Few values, so that they meet; large ones are in another table.
const value = fc.constantFrom(0, 1, 2, 3, 4, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1)
const integerPattern = fc.oneof(
  value.map(String),
  fc.tuple(value, value).map(([a, b]) => `${Math.min(a, b)}:${Math.max(a, b)}`),
  value.map((each) => `0${each}`),
)

test('integers and ranges, as one after the other would find them', () => {
  fc.assert(
    fc.property(fc.array(integerPattern, { maxLength: 40 }), (patterns) => {
      const set = build('int', patterns)
      for (const tested of [0, 1, 2, 3, 4, 5, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, -1]) {
        const expected = patterns.findIndex((pattern) => {
          const [low = '', high = low] = pattern.split(':')
          return Number(low) <= tested && tested <= Number(high)
        })
        assert.equal(set.find(sint(tested)), expected, `${tested} in ${patterns.join(' ')}`)
      }
    }),
    { numRuns: 300 },
  )
})

const octet = fc.constantFrom(0, 1, 10, 127, 128, 255)
const address = fc.tuple(octet, octet, octet, octet).map((bytes) => Uint8Array.from(bytes))
const network = fc.tuple(address, fc.constantFrom(0, 1, 8, 9, 24, 31, 32, undefined))

const holds = (network: Uint8Array, bits: number, address: Uint8Array): boolean =>
  Array.from({ length: bits }, (_, bit) => bit).every(
    (bit) => (((network[bit >> 3] ?? 0) ^ (address[bit >> 3] ?? 0)) & (0x80 >> (bit & 7))) === 0,
  )

test('networks: the longest that holds the address, of equal ones the first', () => {
  fc.assert(
    fc.property(
      fc.array(network, { maxLength: 40 }),
      fc.array(address, { maxLength: 20 }),
      (networks, tested) => {
        const set = build(
          'ip',
          networks.map(([bytes, bits]) => `${bytes.join('.')}${bits === undefined ? '' : `/${bits}`}`),
        )
        for (const each of tested) {
          let best = -1
          let most = -1
          for (const [number, [bytes, bits = 32]] of networks.entries()) {
            if (bits <= most || !holds(bytes, bits, each)) continue
            best = number
            most = bits
          }
          assert.equal(set.find(addr(each)), best)
        }
      },
    ),
    { numRuns: 300 },
  )
})

test('addresses in all ways that HAProxy reads', () => {
  const set = build('ip', [
    '10.12',
    '192.0.2.0/255.255.255.0',
    '198.51.100.7/255.0.255.255',
    '::ffff:203.0.113.9',
    '2001:db8::/32',
  ])
  const find = (text: string) => set.find(addr(Uint8Array.from(text.split('.').map(Number))))
  assert.equal(find('10.0.0.12'), 0)
  assert.equal(find('192.0.2.77'), 1)
  assert.equal(find('198.9.100.7'), 2)
  assert.equal(find('203.0.113.9'), 3)
  assert.equal(find('203.0.113.8'), -1)
  const v6 = (...groups: number[]) =>
    addr(Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 255])))
  assert.equal(set.find(v6(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)), 4)
  assert.equal(set.find(v6(0, 0, 0, 0, 0, 0xffff, 0xc000, 0x24d)), 1)
  assert.equal(set.find(v6(0x2002, 0xc000, 0x24d, 0, 0, 0, 0, 0)), 1)
})

test('what is no address, and no number', () => {
  for (const [method, patterns] of [
    [
      'ip',
      [
        '',
        '1.2.3.4/',
        '1.2.3.4/33',
        '1.2.3.256',
        '1.2.3.4.5',
        '1..2.3',
        '1.2.3.4/1/2',
        'localhost',
        '::1/129',
        '01.2.3.',
      ],
    ],
    ['int', ['', 'x', '1x', '1:x', '9:1', ':']],
  ] as const)
    for (const pattern of patterns) {
      const complaint = addWord(matchMethods[method].create(false), pattern)
      assert.ok(complaint?.includes(`'${pattern}'`), `${method} ${pattern}`)
    }
})
