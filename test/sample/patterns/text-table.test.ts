import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TextTable, type Side } from '#src/sample/patterns/text-table.js'

// Few characters, so that texts are equal and begin with each other.
const letters = fc.constantFrom('a', 'B', 'b', '\xe9')
const word = fc.string({ unit: letters, maxLength: 9 })
const lower = (text: string) => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())

function build(side: Side, ignoreCase: boolean, texts: readonly string[]): TextTable {
  const table = new TextTable(side, ignoreCase)
  for (const text of texts) add(table, text)
  return table
}

function add(table: TextTable, text: string): void {
  const bytes = Buffer.from(`<${text}>`, 'latin1')
  table.add(bytes, 1, bytes.length - 1)
}

for (const ignoreCase of [false, true]) {
  const fold = ignoreCase ? lower : (text: string) => text

  test(`whole texts, beginnings and ends, ${ignoreCase ? 'without' : 'with'} regard to case, as one after the other would find them`, () => {
    fc.assert(
      fc.property(fc.array(word, { maxLength: 60 }), fc.array(word, { maxLength: 20 }), (texts, searched) => {
        const beginnings = build('beginning', ignoreCase, texts)
        const ends = build('end', ignoreCase, texts)
        const folded = texts.map(fold)
        for (const text of searched) {
          const given = fold(text)
          const longest = folded.reduce(
            (best, each) => (given.startsWith(each) && each.length > best ? each.length : best),
            -1,
          )
          assert.equal(beginnings.whole(text), folded.indexOf(given))
          assert.equal(beginnings.longest(text), longest < 0 ? -1 : folded.indexOf(given.slice(0, longest)))
          assert.equal(
            ends.first(text),
            folded.findIndex((each) => given.endsWith(each)),
          )
        }
      }),
      { numRuns: 300 },
    )
  })
}

test('what is added behind a search is found', () => {
  const table = build('beginning', false, ['a', 'ab'])
  assert.equal(table.longest('abc'), 1)
  add(table, 'abc')
  assert.equal(table.longest('abc'), 2)
  assert.equal(table.whole('abc'), 2)
  assert.equal(table.whole(''), -1)
})

test('many texts that differ in one place', () => {
  const texts = Array.from({ length: 5000 }, (_, at) => `/static/assets/${at}/picture.png`)
  const table = build('beginning', false, texts)
  for (let at = 0; at < texts.length; at += 97) {
    assert.equal(table.whole(`/static/assets/${at}/picture.png`), at)
    assert.equal(table.longest(`/static/assets/${at}/picture.png?x`), at)
  }
  assert.equal(table.whole('/static/assets/5000/picture.png'), -1)
})
