/** Places and limits of words; the texts of words are in lexer-words.txt and lexer-errors.txt. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Diagnostics } from '#src/config/diagnostics.js'
import { maxWords, splitLine } from '#src/config/lexer.js'

function split(text: string, environment: ReadonlyMap<string, string> = new Map()) {
  const diagnostics = new Diagnostics()
  const words = splitLine(text, { file: 'f', line: 7, environment, section: 's' }, diagnostics)
  return { words, diagnostics: diagnostics.list }
}

test('a word knows where it begins and whether it was quoted', () => {
  const { words } = split('  acl x  "a b"c\td \'\' # comment')
  assert.deepEqual(words, [
    { text: 'acl', place: { file: 'f', line: 7, column: 3 }, quoted: false },
    { text: 'x', place: { file: 'f', line: 7, column: 7 }, quoted: false },
    { text: 'a bc', place: { file: 'f', line: 7, column: 10 }, quoted: true },
    { text: 'd', place: { file: 'f', line: 7, column: 17 }, quoted: false },
    { text: '', place: { file: 'f', line: 7, column: 19 }, quoted: true },
  ])
})

test('words behind a variable keep the column of the file', () => {
  const { words } = split('"$LONG" next', new Map([['LONG', 'a very long value']]))
  assert.deepEqual(
    words?.map(({ text, place }) => [text, place.column]),
    [
      ['a very long value', 1],
      ['next', 9],
    ],
  )
})

test('names of variables are looked up in the map alone', () => {
  assert.deepEqual(
    split('"[$constructor]" "[$__proto__]" "[$toString]"').words?.map(({ text }) => text),
    ['[]', '[]', '[]'],
  )
})

test('a carriage return ends the line', () => {
  assert.deepEqual(
    split('mode http\r').words?.map(({ text }) => text),
    ['mode', 'http'],
  )
})

test('a backslash at the end of a line is a word, not a continuation', () => {
  assert.deepEqual(
    split('a \\').words?.map(({ text }) => text),
    ['a', '\\'],
  )
})

test('a line has at most 64 words', () => {
  assert.equal(split('x '.repeat(maxWords)).words?.length, maxWords)
  const { words, diagnostics } = split('x '.repeat(maxWords + 1))
  assert.equal(words, undefined)
  assert.deepEqual(
    diagnostics.map(({ code, place }) => [code, place.column]),
    [['CFG_LINE', 2 * maxWords + 1]],
  )
})
