import assert from 'node:assert/strict'
import { it } from 'node:test'
import { StreamTable } from '../../../src/fcgi/client/stream-table.ts'

it('holds what a Map would hold, however long some stay', () => {
  const table = new StreamTable<{ readonly id: number }>()
  const expected = new Map<number, { readonly id: number }>()
  let state = 7
  const chance = (most: number) => (state = (state * 48_271) % 2_147_483_647) % most
  for (let id = 1; id <= 32_767; id += 2) {
    const item = { id }
    table.add(item)
    expected.set(id, item)
    // Two of a thousand stay for good.
    while (expected.size > 32 + id / 1000) {
      const ids = [...expected.keys()]
      const gone = ids[Math.min(ids.length - 1, (id / 1000) * 2 + chance(20)) | 0] ?? assert.fail()
      assert.equal(table.remove(gone), expected.get(gone))
      expected.delete(gone)
      assert.equal(table.get(gone), undefined)
      assert.equal(table.remove(gone), undefined)
    }
    assert.equal(table.size, expected.size)
    for (const [each, there] of expected) assert.equal(table.get(each), there)
  }
  assert.deepEqual(table.takeAll(), [...expected.values()])
  assert.deepEqual([table.size, table.get(32_767)], [0, undefined])
})

it('does not take an id for another of the same place', () => {
  const table = new StreamTable<{ readonly id: number }>()
  table.add({ id: 1 })
  for (const id of [0, 2, 17, 33, 32_769, -1, Number.NaN]) assert.equal(table.get(id), undefined, String(id))
})
