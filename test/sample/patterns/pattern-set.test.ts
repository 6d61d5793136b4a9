import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sint, str } from '#src/sample/index.js'
import { isMatchName, matchMethods } from '#src/sample/patterns/match-method.js'
import type { MatchName } from '#src/sample/patterns/match-method.js'
import { addWord } from '#src/sample/patterns/pattern-set.js'

/** Method, patterns in order, text, the pattern that counts. */
const rows: readonly (readonly [MatchName, readonly string[], string, string | undefined])[] = [
  ['beg', ['/', '/a', '/a/b'], '/a/c', '/a'],
  ['beg', ['/a/b', '/'], '/a/b/c', '/a/b'],
  ['beg', [''], 'x', ''],
  ['end', ['g', '.png'], 'x.png', 'g'],
  ['end', ['.png', 'g'], 'x.png', '.png'],
  ['sub', ['z', 'b', 'a'], 'abc', 'b'],
  ['dir', ['/b/', 'c'], '/a/b/c', '/b/'],
  ['dir', ['b.c'], '/a/b.c?d', 'b.c'],
  ['dir', ['b'], '/a/b.c', undefined],
  ['dir', ['/'], '/a/', undefined],
  ['dom', ['b.c'], 'a.b.c:80', 'b.c'],
  ['dom', ['b'], 'a.bb.b/x', 'b'],
  ['dom', ['b'], 'a.bb', undefined],
  ['str', ['a', 'A'], 'A', 'A'],
  ['reg', ['^b', 'b'], 'ab', 'b'],
  ['len', ['1:2', '3'], 'abc', '3'],
]

test('of several patterns the one counts that HAProxy finds', () => {
  for (const [method, patterns, text, expected] of rows) {
    const set = matchMethods[method].create(false)
    for (const pattern of patterns) assert.equal(addWord(set, pattern), undefined)
    assert.equal(patterns[set.find(str(text))], expected, `${method} ${patterns.join(' ')} on ${text}`)
  }
})

test('case is ignored when asked', () => {
  for (const method of ['beg', 'end', 'sub', 'dir', 'dom', 'str', 'reg'] as const) {
    const set = matchMethods[method].create(true)
    addWord(set, 'AbC')
    assert.equal(set.find(str('aBc')), 0, method)
  }
})

test('integers: the first line counts, exact or not, also beyond 53 bits', () => {
  const patterns = ['5', '1:9', '7', ':0', '9007199254740993', '9223372036854775800:', '4294967296', '5']
  const set = matchMethods.int.create(false)
  for (const pattern of patterns) addWord(set, pattern)
  const find = (value: number | bigint) => patterns[set.find(sint(value))]
  assert.equal(find(5), '5')
  assert.equal(find(7), '1:9')
  assert.equal(find(-3), ':0')
  assert.equal(find(9007199254740993n), '9007199254740993')
  assert.equal(find(9223372036854775807n), '9223372036854775800:')
  assert.equal(find(4294967296), '4294967296')
  assert.equal(find(0), ':0')
  assert.equal(find(10), undefined)
})

test('names of matching methods', () => {
  assert.equal(isMatchName('beg'), true)
  assert.equal(isMatchName('toString'), false)
})
