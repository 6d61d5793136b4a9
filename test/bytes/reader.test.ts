import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Reader } from '#src/bytes/reader.js'

class Truncated extends Error {}

function truncated(wanted: number, left: number, at: number): never {
  throw new Truncated(`${wanted}/${left}/${at}`)
}

const over = (hex: string, at?: number, end?: number) =>
  new Reader(truncated, Buffer.from(hex, 'hex'), at, end)

test('numbers are read in network order, one after another', () => {
  const reader = over('ff0102fffefdfc00')
  assert.equal(reader.remaining, 8)
  assert.equal(reader.uint8(), 255)
  assert.equal(reader.uint16(), 0x0102)
  assert.equal(reader.uint32(), 0xfffefdfc)
  assert.equal(reader.remaining, 1)
  assert.equal(reader.uint8(), 0)
  assert.equal(reader.remaining, 0)
})

test('it is bounded by its frame, not by the buffer behind it', () => {
  const reader = over('00112233445566', 1, 4)
  assert.equal(reader.remaining, 3)
  assert.equal(reader.uint16(), 0x1122)
  assert.throws(() => reader.uint16(), { message: '2/1/3' })
  assert.equal(reader.at, 3, 'the cursor has not moved')
  assert.equal(reader.uint8(), 0x33)
  assert.throws(() => reader.uint8(), { message: '1/0/4' })
  assert.throws(() => over('00112233445566', 1, 4).uint32(), { message: '4/3/1' })
})

test('skip answers where the bytes began; nothing may be skipped at the end', () => {
  const reader = over('001122')
  assert.equal(reader.skip(2), 0)
  assert.equal(reader.skip(1), 2)
  assert.equal(reader.skip(0), 3)
  assert.throws(() => reader.skip(1), Truncated)
  assert.throws(() => over('00').skip(Number.MAX_SAFE_INTEGER), Truncated)
})

test('a view shares its bytes with the buffer', () => {
  const bytes = Buffer.from('00112233', 'hex')
  const reader = new Reader(truncated, bytes, 1)
  const view = reader.view(2)
  assert.deepEqual(view, Buffer.from('1122', 'hex'))
  bytes[1] = 0xaa
  assert.equal(view[0], 0xaa)
  assert.equal(reader.at, 3)
  assert.throws(() => reader.view(2), Truncated)
})

test('text is read as one byte per character, or as UTF-8', () => {
  assert.equal(over('e9ff41').latin1(3), 'éÿA')
  assert.equal(over('00c3a92e', 1).utf8(2), 'é')
  assert.equal(over('e941').utf8(2), '\uFFFDA')
  assert.equal(over('00414243', 2).latin1(1), 'B')
  assert.throws(() => over('41').latin1(2), Truncated)
  assert.throws(() => over('41').utf8(2), Truncated)
})

test('one reader can be pointed at one frame after another', () => {
  const reader = new Reader(truncated)
  assert.equal(reader.remaining, 0)
  assert.throws(() => reader.uint8(), Truncated)
  assert.equal(reader.reset(Buffer.from('0a0b0c', 'hex'), 1, 2), reader)
  assert.equal(reader.uint8(), 0x0b)
  assert.equal(reader.remaining, 0)
  reader.reset(Buffer.from('0d0e', 'hex'))
  assert.equal(reader.remaining, 2)
  assert.equal(reader.uint16(), 0x0d0e)
  reader.reset(Buffer.from('0f10', 'hex'), 1)
  assert.equal(reader.remaining, 1)
})
