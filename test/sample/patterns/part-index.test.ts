import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PartIndex, type AcceptsPart } from '#src/sample/patterns/part-index.js'

/** What the manual says: one after the other. */
function plainly(texts: readonly string[], text: string, accepts?: AcceptsPart): number {
  return texts.findIndex((part) => {
    if (accepts === undefined) return text.includes(part)
    for (let at = 0; part !== '' && at + part.length <= text.length; at++)
      if (text.startsWith(part, at) && accepts(text, at, at + part.length)) return true
    return false
  })
}

const betweenSlashes: AcceptsPart = (text, start, end) =>
  (start === 0 || text[start - 1] === '/') && (end === text.length || text[end] === '/')

function add(index: PartIndex, text: string): void {
  index.add(Buffer.from(text, 'latin1'), 0, text.length)
}

function build(texts: readonly string[], accepts?: AcceptsPart): PartIndex {
  const index = new PartIndex(accepts)
  for (const text of texts) add(index, text)
  return index
}

// Few characters, so that parts overlap, are equal, and hold each other.
const word = fc.string({ unit: fc.constantFrom('a', 'b', '/', '\xe9'), maxLength: 14 })

for (const [name, accepts] of [
  ['anywhere', undefined],
  ['between delimiters', betweenSlashes],
] as const) {
  test(`the first that is a part, ${name}, as one after the other would find it`, () => {
    fc.assert(
      fc.property(
        fc.array(word, { maxLength: 80 }),
        fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '/', '\xe9'), maxLength: 60 }), {
          maxLength: 20,
        }),
        (texts, searched) => {
          const index = build(texts, accepts)
          for (const text of searched) assert.equal(index.first(text), plainly(texts, text, accepts))
        },
      ),
      { numRuns: 300 },
    )
  })
}

test('texts of every length, at the beginning, in the middle and at the end', () => {
  const texts = Array.from({ length: 40 }, (_, at) => `${'x'.repeat(at % 20)}${String.fromCharCode(33 + at)}`)
  const index = build(texts)
  for (const part of texts)
    for (const text of [part, `~${part}`, `${part}~`, `~~${part}~~`])
      assert.equal(index.first(text), plainly(texts, text), text)
})

test('what is added behind a search is found', () => {
  const index = build(Array.from({ length: 30 }, (_, at) => `part-${at}.`))
  assert.equal(index.first('/a/part-7./b'), 7)
  assert.equal(index.first('later'), -1)
  add(index, 'later')
  assert.equal(index.first('later'), 30)
  add(index, '')
  assert.equal(index.first(''), 31)
  assert.equal(index.size, 32)
})

test('many texts that are alike are told apart', () => {
  const texts = Array.from({ length: 5000 }, (_, at) => `/static/assets/images/${at}/picture.png`)
  const index = build(texts)
  index.prepare()
  for (let at = 0; at < texts.length; at += 97) assert.equal(index.first(`https://a${texts[at]}?x`), at)
  assert.equal(index.first('/static/assets/images/5000/picture.png'), -1)
})
