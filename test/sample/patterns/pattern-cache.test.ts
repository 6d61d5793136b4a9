import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PatternCache, str } from '#src/sample/index.js'
import { matchMethods } from '#src/sample/patterns/match-method.js'
import { addWord } from '#src/sample/patterns/pattern-set.js'
import type { PatternShelf } from '#src/sample/patterns/pattern-cache.js'

const shelfOf = (cache: PatternCache): PatternShelf => {
  const shelf = cache.createShelf()
  assert.ok(shelf)
  return shelf
}

test('what was asked is not asked again, for as long as there is room', () => {
  const asked: string[] = []
  const ask = (text: string) => asked.push(text)
  const shelf = shelfOf(new PatternCache(4))
  assert.equal(shelf.answer('a', ask), 1)
  assert.equal(shelf.answer('a', ask), 1)
  for (const text of ['b', 'c', 'd', 'a', 'b', 'a']) shelf.answer(text, ask)
  assert.equal(shelf.answer('a', ask), shelf.answer('a', ask))
  assert.ok(asked.length < 9)
  // Others have taken all the room.
  for (let count = 0; count < 8; count++) shelf.answer(`other-${count}`, ask)
  const before = asked.length
  shelf.answer('a', ask)
  assert.equal(asked.length, before + 1)
})

test('"none" is an answer, too, and long texts are asked each time', () => {
  let asked = 0
  const shelf = shelfOf(new PatternCache())
  const ask = (): number => {
    asked++
    return -1
  }
  for (let count = 0; count < 3; count++) assert.equal(shelf.answer('x', ask), -1)
  assert.equal(asked, 1)
  for (let count = 0; count < 3; count++) shelf.answer('x'.repeat(513), ask)
  assert.equal(asked, 4)
})

test('sets share the room and not the answers', () => {
  const cache = new PatternCache(10)
  const [one, two] = [shelfOf(cache), shelfOf(cache)]
  assert.equal(
    one.answer('x', () => 1),
    1,
  )
  assert.equal(
    two.answer('x', () => 2),
    2,
  )
  for (let count = 0; count < 20; count++) two.answer(`${count}`, () => count)
  assert.equal(
    one.answer('x', () => 3),
    3,
    'what the other set was asked has taken its place',
  )
})

test('a size of 0 keeps nothing', () => {
  assert.equal(new PatternCache(0).createShelf(), undefined)
})

test('a set with a cache finds what it finds without one', () => {
  for (const method of ['sub', 'dir', 'dom', 'reg'] as const) {
    const sets = [new PatternCache(), undefined].map((cache) => matchMethods[method].create(true, cache))
    for (let at = 0; at < 60; at++) for (const set of sets) addWord(set, `W${at}x`)
    for (const text of ['/w7x/', 'w59X', 'w60x', 'aw1xb', '/W1x.w2x', '', 'w7x'])
      for (let round = 0; round < 2; round++) {
        const [kept, asked] = sets.map((set) => set.find(str(text)))
        assert.equal(kept, asked, `${method} on ${text}`)
      }
  }
})
