import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KnownTexts } from '#src/bytes/known-texts.js'
import { Reader } from '#src/bytes/reader.js'

const truncated = (): never => {
  throw new RangeError('truncated')
}

function read(texts: KnownTexts, bytes: Buffer): string {
  // Something stands before and behind it.
  const reader = new Reader(truncated, Buffer.concat([Buffer.from('<'), bytes, Buffer.from('>')]), 1)
  const text = texts.read(reader, bytes.length)
  assert.equal(reader.at, 1 + bytes.length)
  return text
}

test('every text is what its bytes say, whatever was read before', () => {
  const texts = new KnownTexts(4)
  const cases: readonly Buffer[] = [
    ...['', 'a', 'ip_score', 'ip_scare', 'pi_score', 'é', 'ip', 'x'.repeat(48), 'x'.repeat(49)].map((text) =>
      Buffer.from(text),
    ),
    Buffer.from([0xff]),
    Buffer.from([0xc3]),
    Buffer.from([0, 0, 0]),
  ]
  for (let round = 0; round < 3; round++)
    for (const one of cases)
      for (const other of cases) {
        assert.equal(read(texts, one), one.toString('utf8'))
        assert.equal(read(texts, other), other.toString('utf8'))
      }
})

test('what was read stays when its bytes are written over', () => {
  const texts = new KnownTexts(4)
  const bytes = Buffer.from('name')
  const reader = new Reader(truncated, bytes)
  assert.equal(texts.read(reader, 4), 'name')
  bytes.write('game')
  assert.equal(texts.read(reader.reset(bytes), 4), 'game')
  assert.equal(read(texts, Buffer.from('name')), 'name')
})

test('a text that is cut off is no text', () => {
  const texts = new KnownTexts(4)
  read(texts, Buffer.from('name'))
  assert.throws(() => texts.read(new Reader(truncated, Buffer.from('nam')), 4), /truncated/)
})
