import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readVarint, readVarint64, writeVarint, type Reader } from 'sluice/spop'
import { skipVarint } from '#src/spop/varint.js'
import { reading, spopError, written } from './support.ts'

/** From the table of SPOE.txt 3.1, carried on by hand: the last and the first value of each length. */
const table: readonly [number | bigint, string][] = [
  [0, '00'],
  [1, '01'],
  [239, 'ef'],
  [240, 'f000'],
  [241, 'f100'],
  [255, 'ff00'],
  [256, 'f001'],
  [2287, 'ff7f'],
  [2288, 'f08000'],
  [2289, 'f18000'],
  [264431, 'ffff7f'],
  [264432, 'f0808000'],
  [33818863, 'ffffff7f'],
  [33818864, 'f080808000'],
  [2147483647, 'fff0fefe3e'],
  [2147483648, 'f0f1fefe3e'],
  [4294967295, 'fff0fefe7e'],
  [4294967296, 'f0f1fefe7e'],
  [4328786159, 'ffffffff7f'],
  [4328786160, 'f08080808000'],
  [554084600047, 'ffffffffff7f'],
  [554084600048, 'f0808080808000'],
  [70922828777711, 'ffffffffffff7f'],
  [70922828777712, 'f080808080808000'],
  [Number.MAX_SAFE_INTEGER, 'fff0fefefefefe7e'],
  [2n ** 53n, 'f0f1fefefefefe7e'],
  [2n ** 53n + 1n, 'f1f1fefefefefe7e'],
  [9078122083518703n, 'ffffffffffffff7f'],
  [9078122083518704n, 'f08080808080808000'],
  [1161999626690365679n, 'ffffffffffffffff7f'],
  [1161999626690365680n, 'f0808080808080808000'],
  [2n ** 63n - 1n, 'fff0fefefefefefefe06'],
  [2n ** 63n, 'f0f1fefefefefefefe06'],
  [2n ** 64n - 2n, 'fef0fefefefefefefe0e'],
  [2n ** 64n - 1n, 'fff0fefefefefefefe0e'],
]

const inRow = (bytes: string) => reading(`${bytes} 55`)
const atEnd = (reader: Reader) => assert.equal(reader.remaining, 1)

test('every boundary is written as the document says', () => {
  for (const [value, bytes] of table) {
    assert.equal(
      written((writer) => writeVarint(writer, value)),
      bytes,
      `${value}`,
    )
    assert.equal(
      written((writer) => writeVarint(writer, BigInt(value))),
      bytes,
      `${value}n`,
    )
  }
})

test('every boundary is read, and exactly its bytes', () => {
  for (const [value, bytes] of table) {
    const reader = inRow(bytes)
    assert.equal(readVarint64(reader), value)
    atEnd(reader)
    const skipped = inRow(bytes)
    skipVarint(skipped)
    atEnd(skipped)
  }
})

test('a length is a number, and one over 2^53 is an error that says where', () => {
  for (const [value, bytes] of table) {
    const reader = reading(`00 ${bytes} 55`)
    reader.skip(1)
    if (value <= Number.MAX_SAFE_INTEGER) {
      assert.equal(readVarint(reader), value)
      atEnd(reader)
    } else {
      assert.throws(() => readVarint(reader), spopError('ERR_SPOP_VARINT', /a length of \d+ at byte 1$/))
    }
  }
})

test('negative numbers are written as their 64-bit pattern', () => {
  for (const [value, bytes] of [
    [-1, 'fff0fefefefefefefe0e'],
    [-2, 'fef0fefefefefefefe0e'],
    [-5, 'fbf0fefefefefefefe0e'],
    [-(2n ** 63n), 'f0f1fefefefefefefe06'],
  ] as const) {
    assert.equal(
      written((writer) => writeVarint(writer, value)),
      bytes,
    )
    assert.equal(
      written((writer) => writeVarint(writer, BigInt(value))),
      bytes,
    )
  }
})

test('a value that ends too early is truncated, at every length', () => {
  for (const [, bytes] of table) {
    for (let at = 0; at < bytes.length; at += 2) {
      const cut = bytes.slice(0, at)
      for (const read of [readVarint, readVarint64, skipVarint]) {
        assert.throws(() => read(reading(cut)), spopError('ERR_SPOP_TRUNCATED'))
      }
    }
  }
})

test('ten bytes are enough: an eleventh is refused, wherever the varint begins', () => {
  for (const read of [readVarint, readVarint64, skipVarint]) {
    for (const lead of ['', '00', '0000']) {
      const reader = reading(`${lead} ff*10 00`)
      reader.skip(lead.length / 2)
      const message = new RegExp(`longer than 10 bytes, at byte ${lead.length / 2}$`)
      assert.throws(() => read(reader), spopError('ERR_SPOP_VARINT', message))
    }
  }
})

test('ten bytes of more than 64 bits are refused', () => {
  for (const bytes of ['f0f1fefefefefefefe0e', 'ffffffffffffffffff7f', 'fff0fefefefefefefe0f']) {
    const message = /over 64 bits, at byte 1$/
    const reader = reading(`00 ${bytes}`)
    reader.skip(1)
    assert.throws(() => readVarint64(reader), spopError('ERR_SPOP_VARINT', message))
    assert.throws(() => readVarint(reading(bytes)), spopError('ERR_SPOP_VARINT'))
  }
})

test('what is not a whole number that 64 bits hold cannot be written, and leaves nothing behind', () => {
  const wrong = [
    0.5,
    240.5,
    -0.5,
    NaN,
    Infinity,
    -Infinity,
    2 ** 53,
    -(2 ** 53),
    2n ** 64n,
    -(2n ** 63n) - 1n,
  ]
  for (const value of wrong) {
    const bytes = written((writer) => {
      assert.throws(() => writeVarint(writer, value), spopError('ERR_SPOP_VALUE', /./, 'local'), `${value}`)
    })
    assert.equal(bytes, '', `${value}`)
  }
  assert.throws(
    () => written((writer) => writeVarint(writer, 2 ** 53)),
    /9007199254740992 is not a safe whole/,
  )
  assert.throws(
    () => written((writer) => writeVarint(writer, 2n ** 64n)),
    /18446744073709551616 does not fit 64/,
  )
})

test('all of 64 bits come back', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.nat(64), (value, shift) => {
      const small = value >> BigInt(shift)
      const reader = reading(written((writer) => writeVarint(writer, small)))
      const expected = small <= Number.MAX_SAFE_INTEGER ? Number(small) : small
      assert.equal(readVarint64(reader), expected)
      assert.equal(reader.remaining, 0)
    }),
    { seed: 1, numRuns: 1000 },
  )
})
