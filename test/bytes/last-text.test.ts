import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LastText } from '#src/bytes/last-text.js'
import { Reader } from '#src/bytes/reader.js'

const truncated = (): never => {
  throw new RangeError('truncated')
}

function read(text: LastText, bytes: Buffer): string {
  // Something stands before and behind it.
  const reader = new Reader(truncated, Buffer.concat([Buffer.from('<'), bytes, Buffer.from('>')]), 1)
  const found = text.read(reader, bytes.length)
  assert.equal(reader.at, 1 + bytes.length)
  return found
}

test('every text is what its bytes say, whatever was read before', () => {
  const text = new LastText()
  const texts = ['', 'a', 'GET', 'PUT', 'GOT', 'é', 'é!', 'x'.repeat(32), 'x'.repeat(33), '\u{1f600}']
  // What is not UTF-8, and what looks like the text that was made of it.
  const raw = [[0xff], [0xc3], [0xc3, 0x41], [0xe9], [0x80, 0x80], [0, 0, 0], [0xfd]]
  const cases = [...texts.map((each) => Buffer.from(each)), ...raw.map((each) => Buffer.from(each))]
  for (const one of cases)
    for (const other of cases)
      for (const each of [one, one, other, one]) assert.equal(read(text, each), each.toString('utf8'))
})

test('what was read stays when its bytes are written over', () => {
  const text = new LastText()
  const bytes = Buffer.from('name')
  const reader = new Reader(truncated, bytes)
  assert.equal(text.read(reader, 4), 'name')
  bytes.write('game')
  assert.equal(text.read(reader.reset(bytes), 4), 'game')
})

test('a text that is cut off is no text, though it goes on like the last one', () => {
  const text = new LastText()
  read(text, Buffer.from('name'))
  const reader = new Reader(truncated, Buffer.from('name'), 0, 3)
  assert.throws(() => text.read(reader, 4), /truncated/)
})
