import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeItems, decodeKvList, encodeKvList } from '#src/spop/kv-list.js'
import { plainValue } from '../support/plain-frame.ts'
import { hex, reading, spopError, written } from './support.ts'

const bytes = '01 "a" 04 01  00 11  01 "a" 00  02 c3a9 08 01 "x"'
const plain = [
  ['a', { int64: 1 }],
  ['', true],
  ['a', null],
  ['é', 'x'],
]

test('a list goes to the end of the payload, in order and with its repetitions', () => {
  const items = decodeKvList(reading(bytes))
  assert.deepEqual(
    items.map(([name, value]) => [name, plainValue(value)]),
    plain,
  )
  assert.deepEqual(decodeKvList(reading('')), [])
})

test('a counted list ends at its count', () => {
  for (let count = 0; count <= 4; count++) {
    const reader = reading(bytes)
    const items = decodeItems(reader, count)
    assert.deepEqual(
      items.map(([name, value]) => [name, plainValue(value)]),
      plain.slice(0, count),
    )
    assert.equal(reader.remaining, [15, 11, 9, 6, 0][count])
  }
  assert.throws(() => decodeItems(reading(bytes), 5), spopError('ERR_SPOP_TRUNCATED'))
})

test('a name without a value is truncated', () => {
  assert.throws(() => decodeKvList(reading('01 "a"')), spopError('ERR_SPOP_TRUNCATED'))
})

test('items are written one after another', () => {
  assert.equal(
    written((writer) =>
      encodeKvList(writer, [
        ['a', 1],
        ['', true],
        ['a', null],
        ['é', 'x'],
      ]),
    ),
    hex(bytes),
  )
})
