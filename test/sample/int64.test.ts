import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  add,
  bitAnd,
  bitOr,
  bitXor,
  complement,
  divide,
  modulo,
  multiply,
  negate,
  parseInteger,
  readInt32,
  readInteger,
  subtract,
} from '#src/sample/int64.js'

const largest = 9223372036854775807n
const smallest = -9223372036854775808n
const maxSafe = 2n ** 53n - 1n

const integer = fc
  .oneof(
    fc.bigInt({ min: smallest, max: largest }),
    fc.constantFrom(smallest, largest, -1n, 0n, 1n, 2n ** 53n, 2n ** 53n - 1n, -(2n ** 53n)),
    fc.maxSafeInteger().map(BigInt),
  )
  .map((value) => ({
    value,
    sample: value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value,
  }))

const capped = (value: bigint): bigint => (value > largest ? largest : value < smallest ? smallest : value)

test('operations agree with arbitrary precision, stopped at 64 bits', () => {
  fc.assert(
    fc.property(integer, integer, (a, b) => {
      const same = (ours: number | bigint, theirs: bigint) => {
        assert.equal(BigInt(ours), theirs)
        assert.equal(typeof ours, theirs >= -maxSafe && theirs <= maxSafe ? 'number' : 'bigint')
        assert.ok(!Object.is(ours, -0))
      }
      same(add(a.sample, b.sample), capped(a.value + b.value))
      same(subtract(a.sample, b.sample), capped(a.value - b.value))
      same(multiply(a.sample, b.sample), capped(a.value * b.value))
      same(divide(a.sample, b.sample), b.value === 0n ? largest : capped(a.value / b.value))
      same(modulo(a.sample, b.sample), b.value === 0n ? 0n : a.value % b.value)
      same(negate(a.sample), capped(-a.value))
      same(complement(a.sample), ~a.value)
      same(bitAnd(a.sample, b.sample), a.value & b.value)
      same(bitOr(a.sample, b.sample), a.value | b.value)
      same(bitXor(a.sample, b.sample), a.value ^ b.value)
    }),
  )
})

test('text is read up to the first character that is no digit', () => {
  assert.equal(readInteger('12abc'), 12)
  assert.equal(readInteger('-7'), -7)
  assert.equal(readInteger('+7'), 7)
  assert.equal(readInteger('abc'), 0)
  assert.equal(readInteger('-'), 0)
  assert.equal(readInteger('-0'), 0)
  assert.equal(readInteger('9223372036854775807'), largest)
  assert.equal(readInteger('+99999999999999999999'), largest)
  assert.equal(readInteger('-99999999999999999999'), smallest)
})

test('a whole integer is wanted where one is written', () => {
  assert.equal(parseInteger('-12'), -12)
  assert.equal(parseInteger('12a'), undefined)
  assert.equal(parseInteger(''), undefined)
  assert.equal(parseInteger('9007199254740993'), 9007199254740993n)
})

test('values of headers wrap at 32 bits', () => {
  assert.equal(readInt32('123abc'), 123)
  assert.equal(readInt32('-17'), -17)
  assert.equal(readInt32('4294967297'), 1)
  assert.equal(readInt32('2147483648'), -2147483648)
  assert.equal(readInt32('+1'), 0)
  assert.equal(readInt32(''), 0)
})
