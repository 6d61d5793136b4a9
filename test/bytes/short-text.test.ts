import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shortText } from '#src/bytes/short-text.js'

const letters = 'abcdefghijklmnopqrst'

test('text of up to 16 bytes is what its bytes say, wherever it stands', () => {
  const bytes = Buffer.from(`<${letters}${'>'.repeat(16)}`)
  for (let count = 0; count <= 16; count++)
    for (let at = 0; at < 4; at++)
      assert.equal(shortText(bytes, at, count), bytes.toString('latin1', at, at + count))
  assert.equal(shortText(bytes, 0, 17), undefined)
})

test('all of ASCII is read, and what is beyond is left to who knows UTF-8', () => {
  for (let byte = 0; byte < 256; byte++) {
    const bytes = Buffer.concat([Buffer.from([65, byte]), Buffer.alloc(16, 0xff)])
    assert.equal(shortText(bytes, 0, 2), byte < 128 ? String.fromCharCode(65, byte) : undefined)
    assert.equal(shortText(bytes, 0, 1), 'A')
  }
})

test('what is behind the buffer is not read', () => {
  const bytes = Buffer.from(letters.slice(0, 16))
  assert.equal(shortText(bytes, 0, 3), 'abc')
  assert.equal(shortText(bytes, 1, 3), undefined)
  assert.equal(shortText(bytes.subarray(0, 15), 0, 3), undefined)
})
