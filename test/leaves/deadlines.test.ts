import assert from 'node:assert/strict'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { Deadlines, Lane, type Timed } from '#src/base/deadlines.js'
import { until } from '../support/until.ts'

class Item implements Timed<Item> {
  readonly name: string
  deadline = 0
  lane: Lane<Item> | undefined
  earlier: Item | undefined
  later: Item | undefined

  constructor(name: string) {
    this.name = name
  }
}

const items = (...names: string[]) => names.map((name) => new Item(name))

test('a lane gives back what is due, oldest first', () => {
  const lane = new Lane<Item>(100)
  const [a, b, c] = items('a', 'b', 'c') as [Item, Item, Item]
  lane.add(a, 0)
  lane.add(b, 10)
  lane.add(c, 20)
  lane.remove(b)
  assert.equal(lane.take(99), undefined)
  assert.equal(lane.take(100), a)
  assert.equal(lane.take(110), undefined)
  assert.equal(lane.first, c)
  assert.equal(lane.take(500), c)
  assert.equal(lane.take(500), undefined)
})

test('what is removed, from whichever end, links to nothing any more', () => {
  const lane = new Lane<Item>(100)
  const [a, b, c] = items('a', 'b', 'c') as [Item, Item, Item]
  for (const each of [a, b, c]) lane.add(each, 0)
  lane.remove(c)
  lane.remove(a)
  for (const each of [a, c])
    assert.deepEqual([each.lane, each.earlier, each.later], [undefined, undefined, undefined])
  assert.deepEqual([lane.first, b.earlier, b.later], [b, undefined, undefined])
  lane.add(a, 0)
  assert.equal(b.later, a)
})

test('each duration expires by itself, never early, and what was removed does not', async () => {
  const expired: string[] = []
  const early: string[] = []
  const deadlines = new Deadlines<Item>((item, now) => {
    expired.push(item.name)
    if (now < item.deadline - 1) early.push(item.name)
    assert.equal(item.lane, undefined)
  }, true)
  const [slow, gone, first, second] = items('slow', 'gone', 'first', 'second') as [Item, Item, Item, Item]
  const now = performance.now()
  deadlines.add(slow, 60, now)
  deadlines.add(gone, 20, now)
  deadlines.add(first, 20, now)
  deadlines.add(second, 20, now + 15)
  deadlines.remove(gone)
  deadlines.remove(gone)
  await until(() => expired.length >= 3)
  assert.deepEqual(expired, ['first', 'second', 'slow'])
  assert.deepEqual(early, [])
})

test('what expires may add, and may clear', async () => {
  const expired: string[] = []
  const deadlines: Deadlines<Item> = new Deadlines<Item>((item, now) => {
    expired.push(item.name)
    if (item.name === 'first') deadlines.add(new Item('again'), 5, now)
    if (item.name === 'again') {
      deadlines.add(new Item('never'), 5, now)
      deadlines.clear()
      deadlines.add(new Item('last'), 5, now)
    }
  }, true)
  deadlines.add(new Item('first'), 5, performance.now())
  await until(() => expired.includes('last'))
  await sleep(15)
  assert.deepEqual(expired, ['first', 'again', 'last'])
})
