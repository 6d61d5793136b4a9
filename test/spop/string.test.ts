import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readString, readStringBytes, writeString, writeStringBytes } from '#src/spop/string.js'
import { hex, reading, spopError, written } from './support.ts'

test('text is its length in bytes, and UTF-8', () => {
  for (const [text, bytes] of [
    ['', '00'],
    ['a', '01 61'],
    ['ip_score', '08 "ip_score"'],
    ['é', '02 c3a9'],
    ['a€b', '05 61 e282ac 62'],
    ['\u007f\u0080', '03 7f c280'],
    ['x'.repeat(63), '3f "x"*63'],
    ['x'.repeat(64), '40 "x"*64'],
    ['x'.repeat(239), 'ef "x"*239'],
    ['x'.repeat(240), 'f000 "x"*240'],
  ] as const) {
    assert.equal(
      written((writer) => writeString(writer, text)),
      hex(bytes),
    )
    assert.equal(readString(reading(bytes)), text)
  }
})

test('63 characters of two bytes each have a length of 126', () => {
  assert.equal(
    written((writer) => writeString(writer, 'é'.repeat(63))),
    `7e${'c3a9'.repeat(63)}`,
  )
})

test('non-ASCII text anywhere in a short string is counted in bytes', () => {
  for (const text of ['éab', 'aéb', 'abé']) {
    assert.equal(
      written((writer) => {
        writer.uint8(0xaa)
        writeString(writer, text)
      }),
      `aa04${Buffer.from(text).toString('hex')}`,
    )
  }
})

test('bytes that are not UTF-8 read as U+FFFD, or as they are', () => {
  assert.equal(readString(reading('02 e9 41')), '\uFFFDA')
  assert.deepEqual(readStringBytes(reading('02 e9 41')), Buffer.from('e941', 'hex'))
})

test('bytes are written as they are', () => {
  const bytes = Buffer.from('00ff80', 'hex')
  assert.equal(
    written((writer) => writeStringBytes(writer, bytes)),
    '0300ff80',
  )
  assert.equal(
    written((writer) => writeStringBytes(writer, Buffer.alloc(300, 1))),
    hex('fc03 01*300'),
  )
})

test('a length beyond the frame is truncated', () => {
  assert.throws(
    () => readString(reading('02 61')),
    spopError('ERR_SPOP_TRUNCATED', /2 bytes wanted at byte 1, 1 left/),
  )
  assert.throws(() => readStringBytes(reading('01')), spopError('ERR_SPOP_TRUNCATED'))
})
