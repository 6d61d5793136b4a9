import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  DataType,
  decodeTypedData,
  encodeTypedData,
  encodeValue,
  IpAddress,
  StringData,
  toTypedData,
  type TypedData,
  type Value,
} from 'sluice/spop'
import { skipTypedData } from '#src/spop/typed-data.js'
import { plainValue, valueOf } from '../support/plain-frame.ts'
import { hex, reading, spopError, written } from './support.ts'

const minusOne = 'ff f0 fe*7 0e'

/** What the ten types look like (SPOE.txt 3.1), beside the value in the form of plain-frame.ts. */
const table: readonly [unknown, string][] = [
  [null, '00'],
  [false, '01'],
  [true, '11'],
  [{ int32: 0 }, '02 00'],
  [{ int32: 2147483647 }, '02 ff f0 fe fe 3e'],
  [{ int32: -1 }, `02 ${minusOne}`],
  [{ int32: -2147483648 }, '02 f0 f1 fe fe be fe*4 0e'],
  [{ uint32: 0 }, '03 00'],
  [{ uint32: 4294967295 }, '03 ff f0 fe fe 7e'],
  [{ int64: 240 }, '04 f0 00'],
  [{ int64: -1 }, `04 ${minusOne}`],
  [{ int64: Number.MAX_SAFE_INTEGER }, '04 ff f0 fe*5 7e'],
  [{ int64: `${2n ** 53n}` }, '04 f0 f1 fe*5 7e'],
  [{ int64: `${2n ** 63n - 1n}` }, '04 ff f0 fe*7 06'],
  [{ int64: `${-(2n ** 63n)}` }, '04 f0 f1 fe*7 06'],
  [{ uint64: 5 }, '05 05'],
  [{ uint64: `${2n ** 63n}` }, '05 f0 f1 fe*7 06'],
  [{ uint64: `${2n ** 64n - 1n}` }, `05 ${minusOne}`],
  [{ ipv4: '192.0.2.1' }, '06 c0 00 02 01'],
  [{ ipv6: '2001:db8::1' }, '07 20 01 0d b8 00*11 01'],
  ['', '08 00'],
  ['hi', '08 02 "hi"'],
  [{ latin1: 'é' }, '08 01 e9'],
  [{ binary: '' }, '09 00'],
  [{ binary: '00ff' }, '09 02 00 ff'],
]

test('every type is read as the document says', () => {
  for (const [plain, bytes] of table) assert.deepEqual(plainValue(decodeTypedData(reading(bytes))), plain)
})

test('every type is written as the document says', () => {
  for (const [plain, bytes] of table) {
    const data = valueOf(plain)
    assert.equal(
      written((writer) => encodeTypedData(writer, data)),
      hex(bytes),
      JSON.stringify(plain),
    )
    assert.equal(
      written((writer) => encodeValue(writer, data)),
      hex(bytes),
    )
  }
})

test('a value can be passed over without being decoded', () => {
  for (const [, bytes] of table) {
    for (const flags of [0, 0x40, 0xe0]) {
      const flagged = Buffer.from(hex(bytes), 'hex')
      flagged[0] = (flagged[0] ?? 0) | flags
      const reader = reading(`${flagged.toString('hex')} 55`)
      skipTypedData(reader)
      assert.equal(reader.remaining, 1, bytes)
    }
  }
})

test('flags that a type does not define are ignored; of a boolean only the first counts', () => {
  for (const [plain, bytes] of table) {
    const flagged = Buffer.from(hex(bytes), 'hex')
    flagged[0] = (flagged[0] ?? 0) | 0xe0
    assert.deepEqual(plainValue(decodeTypedData(reading(flagged.toString('hex')))), plain)
  }
})

test('the types 10 to 15 are refused, and the message says which and where', () => {
  for (let type = 10; type < 16; type++) {
    for (const flags of [0, 0xf0]) {
      const bytes = (type | flags).toString(16).padStart(2, '0')
      for (const read of [decodeTypedData, skipTypedData]) {
        const reader = reading(`00 ${bytes}`)
        reader.skip(1)
        assert.throws(() => read(reader), spopError('ERR_SPOP_DATA_TYPE', new RegExp(`: ${type} at byte 1$`)))
      }
    }
  }
})

test('a value that ends too early is truncated, at every byte', () => {
  for (const [, text] of table) {
    const bytes = hex(text)
    for (let at = 0; at < bytes.length; at += 2) {
      for (const read of [decodeTypedData, skipTypedData]) {
        assert.throws(() => read(reading(bytes.slice(0, at))), spopError('ERR_SPOP_TRUNCATED'))
      }
    }
  }
})

test('integers are numbers where that is exact, and bigints where not', () => {
  const valueIn = (text: string) => (decodeTypedData(reading(text)) as { value: number | bigint }).value
  assert.equal(valueIn('04 ff f0 fe*5 7e'), 9007199254740991)
  assert.equal(valueIn('04 f0 f1 fe*5 7e'), 9007199254740992n)
  assert.equal(valueIn(`04 ${minusOne}`), -1)
  assert.equal(valueIn(`02 ${minusOne}`), -1)
  assert.equal(valueIn(`03 ${minusOne}`), -1, 'HAProxy keeps every integer as 64 bits')
  assert.equal(valueIn(`05 ${minusOne}`), 18446744073709551615n)
  assert.equal(valueIn('04 f0 f1 fe*7 06'), -9223372036854775808n)
})

test('an integer that does not fit its type cannot be sent, and leaves nothing behind', () => {
  const wrong: readonly (readonly [string, number | bigint])[] = [
    ['int32', 2147483648],
    ['int32', -2147483649],
    ['uint32', 4294967296],
    ['uint32', -1],
    ['int64', 2n ** 63n],
    ['int64', -(2n ** 63n) - 1n],
    ['uint64', 2n ** 64n],
    ['uint64', -1],
    ['int64', 0.5],
    ['uint64', NaN],
    ['int64', 2 ** 53],
  ]
  for (const [type, value] of wrong) {
    const bytes = written((writer) => {
      const data = { type, value } as TypedData
      assert.throws(
        () => encodeTypedData(writer, data),
        spopError('ERR_SPOP_VALUE', undefined, 'local'),
        `${value}`,
      )
    })
    assert.equal(bytes, '', `${type} ${value}`)
  }
  assert.throws(
    () => written((writer) => encodeTypedData(writer, { type: 'int32', value: 2147483648 })),
    /2147483648 does not fit int32/,
  )
})

test('plain values: whole numbers are INT64, text is STRING, bytes are BINARY, null is NULL', () => {
  const cases: readonly [Value, string][] = [
    [null, '00'],
    [true, '11'],
    [false, '01'],
    [0, '04 00'],
    [20, '04 14'],
    [-5, '04 fb f0 fe*7 0e'],
    [20n, '04 14'],
    [2n ** 63n - 1n, '04 ff f0 fe*7 06'],
    [-(2n ** 63n), '04 f0 f1 fe*7 06'],
    ['', '08 00'],
    ['é', '08 02 c3a9'],
    [Buffer.from('ff', 'hex'), '09 01 ff'],
    [new Uint8Array([1, 2]), '09 02 01 02'],
    [IpAddress.parse('10.0.0.1'), '06 0a000001'],
    [IpAddress.parse('::1'), '07 00*15 01'],
    [new StringData('x'), '08 01 "x"'],
    [{ type: 'uint32', value: 7 }, '03 07'],
  ]
  for (const [value, bytes] of cases) {
    assert.equal(
      written((writer) => encodeValue(writer, value)),
      hex(bytes),
    )
    const data = toTypedData(value)
    assert.equal(
      written((writer) => encodeTypedData(writer, data)),
      hex(bytes),
      'toTypedData means the same',
    )
  }
})

test('what has no type cannot be sent, and leaves nothing behind', () => {
  const wrong: readonly [unknown, RegExp][] = [
    [undefined, /undefined has no SPOP type/],
    [0.5, /0\.5 is not a safe whole number/],
    [NaN, /NaN is not a safe whole number/],
    [Infinity, /Infinity is not/],
    [2 ** 53, /9007199254740992 is not/],
    [2n ** 63n, /9223372036854775808 does not fit int64/],
    [Symbol('x'), /symbol has no SPOP type/],
    [() => 1, /function has no SPOP type/],
    [{}, /object has no SPOP type/],
    [new Date(), /object has no SPOP type/],
    [[1], /object has no SPOP type/],
    [{ type: 'float', value: 1 }, /no SPOP type is called 'float'/],
    [{ type: 'constructor', value: 1 }, /no SPOP type is called 'constructor'/],
  ]
  for (const [value, message] of wrong) {
    const bytes = written((writer) => {
      const error = spopError('ERR_SPOP_VALUE', message, 'local')
      assert.throws(() => encodeValue(writer, value as Value), error)
    })
    assert.equal(bytes, '')
  }
})

test('toTypedData copies bytes, and gives typed data back as it is', () => {
  const bytes = Buffer.from([1, 2])
  const data = toTypedData(bytes)
  bytes[0] = 9
  assert.deepEqual(data, { type: 'binary', value: Buffer.from([1, 2]) })
  assert.equal(toTypedData(data), data)
  assert.deepEqual(toTypedData(5), { type: 'int64', value: 5 })
  assert.deepEqual(toTypedData('x'), new StringData('x'))
  assert.equal((toTypedData(IpAddress.parse('::1')) as { type: string }).type, 'ipv6')
  assert.equal((toTypedData(IpAddress.parse('1.2.3.4')) as { type: string }).type, 'ipv4')
})

test('a string keeps its bytes, and becomes text when that is asked for', () => {
  const data = new StringData(Buffer.from('c3a9ff', 'hex'))
  assert.equal(data.type, 'string')
  assert.equal(data.value, 'é\uFFFD')
  assert.equal(data.latin1, 'Ã©ÿ')
  assert.equal(JSON.stringify(data), '{"type":"string","value":"é\uFFFD"}')
  assert.deepEqual(new StringData('é').bytes, Buffer.from('c3a9', 'hex'))
  const bytes = Buffer.from('x')
  assert.equal(new StringData(bytes).bytes, bytes, 'not copied')
})

test('an address that was decoded does not change with the chunk it came in', () => {
  const reader = reading('07 20 01 0d b8 00*11 01')
  const data = decodeTypedData(reader)
  reader.bytes.fill(0)
  assert.equal('value' in data && String(data.value), '2001:db8::1')
})

test('the numbers of the types are those of the document', () => {
  assert.deepEqual(Object.values(DataType), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})
