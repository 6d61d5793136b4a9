import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Writer } from '#src/bytes/writer.js'

test('numbers are written in network order', () => {
  const writer = new Writer()
  writer.uint8(255)
  writer.uint16(0x0102)
  writer.uint32(0xfffefdfc)
  assert.equal(writer.view().toString('hex'), 'ff0102fffefdfc')
  assert.equal(writer.at, 7)
})

test('it grows by doubling from any size, and keeps what was written', () => {
  for (const size of [0, 1, 3, 16]) {
    const writer = new Writer(size)
    const expected = Buffer.alloc(1000)
    for (let index = 0; index < 1000; index++) {
      expected[index] = index % 251
      writer.uint8(index % 251)
    }
    assert.deepEqual(writer.view(), expected)
    assert.ok(writer.bytes.length >= 1000 && writer.bytes.length <= 2048, `${writer.bytes.length}`)
  }
  const writer = new Writer(8)
  assert.equal(writer.reserve(8), 0)
  assert.equal(writer.bytes.length, 8, 'a full buffer does not grow')
  assert.equal(writer.reserve(1), 8)
  assert.equal(writer.bytes.length, 16)
  assert.equal(writer.reserve(100), 9)
  assert.equal(writer.bytes.length, 128)
  assert.equal(new Writer().bytes.length, 512)
  const exact = new Writer(8)
  exact.reserve(16)
  assert.equal(exact.bytes.length, 16, 'what fits exactly fits')
})

test('the same view is handed out for the same bytes, and another one after the buffer has grown', () => {
  const writer = new Writer(4)
  writer.uint16(0x0102)
  const view = writer.view()
  assert.equal(writer.view(), view)
  writer.reset()
  writer.uint16(0x0304)
  assert.equal(writer.view(), view)
  assert.equal(view.toString('hex'), '0304')
  writer.reserve(100)
  writer.reset()
  writer.uint16(0x0506)
  assert.equal(writer.view().toString('hex'), '0506')
  writer.uint8(7)
  assert.equal(writer.view().toString('hex'), '050607')
})

test('four bytes that were reserved can be filled in later', () => {
  const writer = new Writer(1)
  const start = writer.reserve(4)
  writer.uint8(9)
  writer.patchUint32(start, 0x01020304)
  assert.equal(writer.view().toString('hex'), '0102030409')
})

test('bytes are copied whole or in part, short and long runs alike', () => {
  const source = Buffer.from(Array.from({ length: 60 }, (_, index) => index))
  for (const [from, to] of [
    [0, 60],
    [0, 24],
    [0, 25],
    [1, 25],
    [1, 26],
    [10, 60],
    [5, 5],
  ] as const) {
    const writer = new Writer(2)
    writer.uint8(0xee)
    writer.copy(source, from, to)
    writer.uint8(0xdd)
    assert.deepEqual(
      writer.view(),
      Buffer.concat([Buffer.of(0xee), source.subarray(from, to), Buffer.of(0xdd)]),
    )
  }
  const writer = new Writer(2)
  writer.copy(source, 50)
  writer.copy(new Uint8Array(30).fill(7))
  assert.deepEqual(writer.view(), Buffer.concat([source.subarray(50), Buffer.alloc(30, 7)]))
})

test('text is written as UTF-8 or as one byte per character', () => {
  const writer = new Writer(1)
  writer.text('é€')
  writer.text('éÿ', 'latin1')
  writer.text('')
  assert.equal(writer.view().toString('hex'), 'c3a9e282ac' + 'e9ff')
})

test('reset forgets what was written after a point, and keeps the buffer', () => {
  const writer = new Writer(4)
  writer.uint32(1)
  const { bytes } = writer
  writer.reset(2)
  writer.uint8(5)
  assert.equal(writer.view().toString('hex'), '000005')
  writer.reset()
  assert.equal(writer.view().length, 0)
  writer.uint8(6)
  assert.equal(writer.bytes, bytes)
  assert.equal(writer.view().toString('hex'), '06')
})
