import assert from 'node:assert/strict'
import { test } from 'node:test'
import { avalanche, crc32, crc32c, djb2, sdbm, wt6, xxh32, xxh64 } from '#src/sample/hash.js'

// Check values: CRC catalogue for "123456789", the xxHash specification's test values; the others from HAProxy 2.6.
test('hashes have their published check values', () => {
  assert.equal(crc32('123456789'), 0xcbf43926)
  assert.equal(crc32c('123456789'), 0xe3069283)
  assert.equal(crc32(''), 0)
  assert.equal(xxh32('', 0), 0x02cc5d05)
  assert.equal(xxh32('abc', 0), 0x32d153ff)
  assert.equal(xxh64('', 0n), 0xef46db3751d8e999n)
  assert.equal(xxh64('abc', 0n), 0x44bc2cf5ad770999n)
  assert.equal(djb2(''), 5381)
  assert.equal(djb2('a'), 177670)
  assert.equal(sdbm('a'), 97)
  assert.equal(sdbm('ab'), 97 * 65599 + 98)
})

test('all lengths are covered and nothing exceeds 32 bits', () => {
  for (let length = 0; length < 70; length++) {
    const text = '\xff'.repeat(length)
    for (const hash of [crc32, crc32c, djb2, sdbm, wt6]) {
      const value = hash(text)
      assert.ok(Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff)
      assert.ok(avalanche(value) >= 0 && avalanche(value) <= 0xffff_ffff)
    }
    assert.ok(xxh32(text, 0xffff_ffff) <= 0xffff_ffff)
    assert.ok(xxh64(text, -1n) < 2n ** 64n)
  }
})
