/** What is made of lists: formats, overlapping ranges, large ones. */
import assert from 'node:assert/strict'
import { describe, it, test } from 'node:test'
import { IpAddress, parseCidr } from 'sluice'
import { buildAside } from '#src/services/reputation/build-aside.js'
import { buildList } from '#src/services/reputation/build.js'
import type { ListFormat } from '#src/services/reputation/formats.js'
import { formatPrefix, RangeTable } from '#src/services/reputation/range-table.js'

const request = (
  text: string,
  how: Partial<ListFormat> = {},
  more: { sha256?: string; maxEntries?: number } = {},
) => ({
  bytes: new Uint8Array(Buffer.from(text)),
  weight: 70,
  maxEntries: more.maxEntries ?? 100,
  sha256: more.sha256,
  format: 'plain' as const,
  ...how,
})

const tableOf = (built: ReturnType<typeof buildList>) => new RangeTable(built.v4, built.v6, built.entries)

/** What is found of addresses: value and range, or nothing. */
const look = (table: RangeTable, ...addresses: string[]) =>
  addresses.map((address) => {
    const ip = IpAddress.parse(address)
    const match = table.find(ip)
    return match === undefined ? '-' : `${match.value} ${formatPrefix(ip, match.bits)}`
  })

describe('formats', () => {
  const rows: readonly (readonly [string, Partial<ListFormat>, string, readonly string[]])[] = [
    [
      'plain',
      {},
      '# head\r\n192.0.2.0/24 ; SBL1\r\n\r\n  10.0.0.1\n2001:db8::/32 // x\n',
      ['192.0.2.0/24', '10.0.0.1', '2001:db8::/32'],
    ],
    [
      'netset',
      { format: 'netset' },
      'create bad hash:net family inet\nadd bad 192.0.2.0/24\n10.0.0.1',
      ['192.0.2.0/24', '10.0.0.1'],
    ],
    [
      'hosts',
      { format: 'hosts' },
      '10.0.0.1 bad.example # x\n2001:db8::1\tworse.example\n',
      ['10.0.0.1', '2001:db8::1'],
    ],
    [
      'a column by number',
      { format: 'csv', column: 2 },
      'name,network\na,10.0.0.1\n"b, c",192.0.2.0/24\n',
      ['10.0.0.1', '192.0.2.0/24'],
    ],
    [
      'a column by name',
      { format: 'csv', column: 'net', delimiter: ';' },
      '# x\nurl;net\nhttp://a/#b;10.0.0.1\n"x""y";"192.0.2.0/24"\n',
      ['10.0.0.1', '192.0.2.0/24'],
    ],
    [
      'JSON',
      { format: 'json', pointer: '/prefixes/*/ip' },
      '{"prefixes":[{"ip":"10.0.0.1"},{"ip6":"::1"},{"ip":"192.0.2.0/24"}]}',
      ['10.0.0.1', '192.0.2.0/24'],
    ],
    [
      'JSON, an array of texts',
      { format: 'json', pointer: '/a~1b' },
      '{"a/b":["10.0.0.1","192.0.2.0/24"]}',
      ['10.0.0.1', '192.0.2.0/24'],
    ],
    [
      'scored',
      { format: 'scored' },
      '10.0.0.1 0\n192.0.2.0/24 90 # nearly good\n',
      ['10.0.0.1', '192.0.2.0/24'],
    ],
  ]
  for (const [what, how, text, ranges] of rows) {
    it(what, () => {
      const built = buildList(request(text, how))
      assert.deepEqual([built.entries, built.wrong, built.firstWrong], [ranges.length, 0, undefined])
      const table = tableOf(built)
      for (const range of ranges) {
        const address = range.replace(/\/.*/, '')
        const value = how.format === 'scored' ? (range === '10.0.0.1' ? 100 : 10) : 70
        assert.deepEqual(look(table, address), [`${value} ${range}`])
      }
    })
  }

  it('what is no range is counted, and the first one named', () => {
    const of = (text: string, how: Partial<ListFormat> = {}) => {
      const { entries, wrong, firstWrong } = buildList(request(text, how))
      return [entries, wrong, firstWrong]
    }
    assert.deepEqual(of('10.0.0.1\n<html>\nx\n'), [1, 2, "line 2: '<html>' is not an address or CIDR range"])
    assert.deepEqual(of('10.0.0.1 5 6\n', { format: 'scored' }), [
      0,
      1,
      "line 1: '10.0.0.1 5 6' is not a range and a score from 0 to 100",
    ])
    assert.deepEqual(of('{"a":[1,"::1"]}', { format: 'json', pointer: '/a' }), [1, 1, '/a/0: is not a text'])
  })

  it('what cannot be used as a whole is refused', () => {
    for (const [text, how, message, more] of [
      ['10.0.0.1\n0.0.0.0/0\n', {}, /all addresses/],
      ['::/0', {}, /all addresses/],
      ['10.0.0.1\n10.0.0.2\n', {}, /more than 1 entries/, { maxEntries: 1 }],
      ['10.0.0.1', {}, /its SHA-256 is [0-9a-f]{64}/, { sha256: '0'.repeat(64) }],
      ['a,b\n1,2', { format: 'csv', column: 'c' }, /line 1: there is no column 'c' among a, b/],
      ['{"a":[]}', { format: 'json', pointer: '/b' }, /there is no \/b in it/],
      ['{"a":', { format: 'json', pointer: '/b' }, /JSON/],
    ] as const) {
      assert.throws(() => buildList(request(text, how, more)), message)
    }
  })
})

test('the longest range counts, wherever ranges begin and end', () => {
  const table = tableOf(
    buildList(
      request(
        '0.0.0.0/1 10\n10.0.0.0/8 20\n10.0.0.0/9 30\n10.255.255.255 40\n255.255.255.255 50\n10.0.0.0/9 60\n::ffff:198.51.100.0/120 70\n2001:db8::/32 80\n2001:db8::/128 90\nffff::/16 95\n',
        { format: 'scored' },
      ),
    ),
  )
  assert.deepEqual(
    look(
      table,
      '0.0.0.0',
      '9.255.255.255',
      '10.0.0.0',
      '10.127.255.255',
      '10.128.0.0',
      '10.255.255.254',
      '10.255.255.255',
      '11.0.0.0',
      '127.255.255.255',
      '128.0.0.0',
      '255.255.255.254',
      '255.255.255.255',
    ),
    // Of the same range twice the worse score counts.
    [
      '90 0.0.0.0/1',
      '90 0.0.0.0/1',
      '70 10.0.0.0/9',
      '70 10.0.0.0/9',
      '80 10.0.0.0/8',
      '80 10.0.0.0/8',
      '60 10.255.255.255',
      '90 0.0.0.0/1',
      '90 0.0.0.0/1',
      '-',
      '-',
      '50 255.255.255.255',
    ],
  )
  assert.deepEqual(
    look(
      table,
      '198.51.100.7',
      '198.51.101.0',
      '2001:db7:ffff::',
      '2001:db8::',
      '2001:db8::1',
      '2001:db9::',
      'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
      '::',
    ),
    ['30 198.51.100.0/24', '-', '-', '10 2001:db8::', '20 2001:db8::/32', '-', '5 ffff::/16', '-'],
  )
})

/** A small generator, so that a failure can be repeated. */
function generator(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const bitsOf = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')

test('random ranges are found as a look at each of them finds them', () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = generator(seed)
    // Few different bits, so that ranges nest and touch.
    const v4 = () => `${random(2) * 127}.${random(3)}.${random(2) * 255}.${random(4)}`
    const v6 = () => `200${random(2)}:${random(3)}::${random(4)}`
    const ranges = Array.from({ length: 40 }, () =>
      random(2) === 0 ? `${v4()}/${1 + random(32)}` : `${v6()}/${1 + random(128)}`,
    )
    const lines = ranges.map((range) => `${range} ${random(101)}`)
    const table = tableOf(buildList(request(lines.join('\n'), { format: 'scored' })))
    const known = lines.map((line) => {
      const [range = '', score = ''] = line.split(' ')
      const { bytes, bits } = parseCidr(range) ?? assert.fail(range)
      return { bits, badness: 100 - Number(score), head: bitsOf(bytes).slice(0, bits), family: bytes.length }
    })
    for (let count = 0; count < 60; count++) {
      const address = IpAddress.parse(count % 2 === 0 ? v4() : v6())
      const text = bitsOf(address.bytes)
      const holds = known
        .filter(({ head, family }) => family === address.bytes.length && text.startsWith(head))
        .sort((a, b) => b.bits - a.bits || b.badness - a.badness)
      const match = table.find(address)
      assert.equal(match?.value, holds[0]?.badness, `seed ${seed}: ${address.toString()}`)
      if (match !== undefined) assert.equal(match.bits, holds[0]?.bits)
    }
  }
})

test('a million ranges are read aside, and found', { timeout: 120_000 }, async () => {
  const lines: string[] = []
  for (let index = 0; index < 1_000_000; index++) {
    const at = index * 4
    lines.push(`${(at >>> 16) & 255}.${(at >>> 8) & 255}.${at & 255}.${(index % 7) * 16}/28`)
  }
  const text = lines.join('\n')
  let turns = 0
  let done = false
  const spin = () => {
    turns++
    if (!done) setImmediate(spin)
  }
  const building = buildAside({ ...request(text), maxEntries: 1_000_000 })
  spin()
  const built = await building
  done = true
  // Were it read here, the loop would not have turned.
  assert.ok(turns > 100, `${turns} turns of the loop`)
  const table = tableOf(built)
  assert.equal(table.entries, 1_000_000)
  assert.ok(table.size < 20 * 2 ** 20, `${table.size} bytes`)
  assert.deepEqual(look(table, '0.0.0.1', '0.0.4.17', '0.0.4.0', '15.66.60.16'), [
    '70 0.0.0.0/28',
    '70 0.0.4.16/28',
    '-',
    look(table, '15.66.60.16')[0],
  ])
  assert.equal(built.bytes.length, Buffer.byteLength(text), 'the bytes come back, for the copy on disk')
  await assert.rejects(buildAside({ ...request(text), maxEntries: 10 }), /more than 10 entries/)
})
