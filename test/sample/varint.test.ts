import assert from 'node:assert/strict'
import { test } from 'node:test'
import { varintSize, writeVarint } from '#src/sample/varint.js'

test('values at the edges of each length (SPOE.txt 3.1)', () => {
  const rows: readonly (readonly [number, string])[] = [
    [0, '00'],
    [239, 'ef'],
    [240, 'f000'],
    [2287, 'ff7f'],
    [2288, 'f08000'],
    [264431, 'ffff7f'],
    [264432, 'f0808000'],
  ]
  for (const [value, hex] of rows) {
    const bytes = new Uint8Array(8)
    const end = writeVarint(value, bytes, 1)
    assert.equal(Buffer.from(bytes.subarray(1, end)).toString('hex'), hex)
    assert.equal(varintSize(value), hex.length / 2)
  }
})
