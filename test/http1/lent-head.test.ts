/** A head of many fields is copied from where its lines stood; when that was lent, it has what it needs to itself. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { lentMemory } from '#src/base/lent.js'
import { encodeHead, parseResponseHead } from '#src/http1/index.js'

it('a head outlives the memory that it was read from', () => {
  const fields = Array.from({ length: 20 }, (_, at) => `x-field-${at}: value ${at}\r\n`).join('')
  const text = `HTTP/1.1 200 OK\r\n${fields}\r\n`
  const end = 100 + lentMemory.write(text, 100, 'latin1')
  const { headers } = parseResponseHead(lentMemory, 100, end)
  lentMemory.fill('!')
  assert.equal(encodeHead('HTTP/1.1 200 OK', headers).toString('latin1'), text)
})
