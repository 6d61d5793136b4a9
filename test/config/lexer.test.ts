/** Places and limits of words; the texts of words are in lexer-words.txt and lexer-errors.txt. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Diagnostics } from '#src/config/text/diagnostics.js'
import { maxWords, splitLine } from '#src/config/text/lexer.js'

function split(text: string, environment: ReadonlyMap<string, string> = new Map()) {
  const diagnostics = new Diagnostics()
  const line = splitLine(text, { file: 'f', line: 7, environment, section: 's' }, diagnostics)
  return { ...line, diagnostics: diagnostics.list }
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
    words.map(({ text, place }) => [text, place.column]),
    [
      ['a very long value', 1],
      ['next', 9],
    ],
  )
})

test('names of variables are looked up in the map alone', () => {
  assert.deepEqual(
    split('"[$constructor]" "[$__proto__]" "[$toString]"').words.map(({ text }) => text),
    ['[]', '[]', '[]'],
  )
})

test('a backslash at the end of a line is a word, not a continuation', () => {
  assert.deepEqual(
    split('a \\').words.map(({ text }) => text),
    ['a', '\\'],
  )
})

test('a line has at most 64 words', () => {
  assert.equal(split('x '.repeat(maxWords)).words.length, maxWords)
  const { broken, diagnostics } = split('x '.repeat(maxWords + 1))
  assert.equal(broken, true)
  assert.deepEqual(
    diagnostics.map(({ code, place }) => [code, place.column]),
    [['CFG_LINE', 2 * maxWords + 1]],
  )
})

test('a carriage return ends the line wherever it stands', () => {
  for (const [text, words] of [
    ['mode http\r', ['mode', 'http']],
    ['mode\rhttp', ['mode']],
    ['mode http\r junk "never closed', ['mode', 'http']],
    ['mode \r\r', ['mode']],
    ['\rmode http', []],
  ] as const) {
    const { words: found, broken, diagnostics } = split(text)
    assert.deepEqual(
      found.map((word) => word.text),
      words,
      JSON.stringify(text),
    )
    assert.equal(broken, false)
    assert.deepEqual(diagnostics, [])
  }
  const { broken, diagnostics } = split('mode "ht\rtp"')
  assert.equal(broken, true)
  assert.equal(diagnostics[0]?.code, 'CFG_QUOTE')
})

test('an address resolves variables outside of quotes, too', () => {
  const environment = new Map([
    ['HOST', '192.0.2.1'],
    ['PORT', '80'],
  ])
  for (const [text, address] of [
    ['${HOST}:${PORT}', '192.0.2.1:80'],
    ['$HOST:$PORT', '192.0.2.1:80'],
    ['${NOT_SET}:80', ':80'],
    ['"\\${HOST}":80', '192.0.2.1:80'],
    ['${HOST-x}', '192.0.2.1-x}'],
    ['host:80', undefined],
  ] as const) {
    assert.equal(split(text, environment).words[0]?.address, address, text)
  }
})
