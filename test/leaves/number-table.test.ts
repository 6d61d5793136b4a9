import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NumberTable } from '#src/base/number-table.js'

test('a table of numbers says what a Map says', () => {
  const key = fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 2 ** 32 - 1 }))
  fc.assert(
    fc.property(fc.array(fc.tuple(key, fc.nat(2 ** 31 - 2)), { maxLength: 200 }), (entries) => {
      const table = new NumberTable()
      const map = new Map<number, number>()
      for (const [key, number] of entries) {
        table.set(key, number)
        map.set(key, number)
      }
      assert.equal(table.size, map.size)
      for (const [key] of entries) assert.equal(table.get(key), map.get(key))
      for (let key = 0; key < 40; key++) assert.equal(table.get(key), map.get(key) ?? -1)
    }),
  )
})
