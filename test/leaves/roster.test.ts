import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Roster } from '../../src/base/roster.ts'

it('holds what a Set would hold, in any order of coming and going', () => {
  const roster = new Roster<{ seat: number }>()
  const expected = new Set<{ seat: number }>()
  const all = Array.from({ length: 100 }, () => ({ seat: -1 }))
  let state = 1
  for (let step = 0; step < 20_000; step++) {
    state = (state * 48_271) % 2_147_483_647
    const item = all[state % all.length] ?? assert.fail()
    assert.equal(roster.has(item), expected.has(item))
    if (expected.has(item)) {
      assert.equal(roster.delete(item), expected.delete(item))
      assert.equal(item.seat, -1)
      assert.equal(roster.delete(item), false)
    } else {
      roster.add(item)
      expected.add(item)
    }
    assert.equal(roster.size, expected.size)
    if (step % 1000 === 0) assert.deepEqual(new Set(roster), expected)
  }
  assert.ok(all.every(({ seat }) => seat < all.length))
})

it('lets items go while somebody looks', () => {
  const roster = new Roster<{ seat: number }>()
  for (let at = 0; at < 5; at++) roster.add({ seat: -1 })
  let seen = 0
  for (const item of roster) {
    seen++
    for (const other of roster) if (other !== item) roster.delete(other)
  }
  assert.deepEqual([seen, roster.size], [1, 1])
})

it('does not take another for its own', () => {
  const [one, other] = [new Roster<{ seat: number }>(), new Roster<{ seat: number }>()]
  const item = { seat: -1 }
  one.add(item)
  assert.deepEqual([other.has(item), other.delete(item), one.size], [false, false, 1])
})
