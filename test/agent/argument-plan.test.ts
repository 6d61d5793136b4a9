/**
 * Arguments that come as in the message before are read by comparing bytes: it must never show. Whatever the sequence of
 * messages, a decoder that has read others says of each what reading it one by one says.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readPlainly } from '#src/agent/arguments/list.js'
import { Slots } from '#src/agent/arguments/slots.js'
import type { Schema } from '#src/agent/arguments/types.js'
import { ArgumentDecoder } from '#src/agent/arguments/decoder.js'
import { createReader } from '#src/spop/frame-head.js'
import { SluiceError } from 'sluice'
import { hex } from '../support/peer.ts'

const types = ['ip', 'string', 'latin1', 'binary', 'integer', 'bigint', 'boolean', 'any'] as const
const names = ['a', 'b', 'ab', 'name', 'longer-name', '', '#0', '#2', '__proto__'] as const

/** Values as on the wire: a few of each type, so that some come again. */
const values = [
  '00',
  '01',
  '11',
  'f1',
  '02 05',
  '02 f0 06',
  '03 ef',
  '04 ff f0 fe fe fe fe fe fe fe 0e',
  '04 f0 f1 fe fe fe fe fe fe fe 06',
  '05 ff f0 fe fe fe fe fe fe fe 0e',
  '06 c0 00 02 07',
  '06 c0 00 02 08',
  '07 20 01 0d b8 00*11 01',
  '07 20 01 0d b8 00*11 02',
  '08 00',
  '08 03 "GET"',
  '08 04 "POST"',
  '08 03 "PUT"',
  '08 02 c3 a9',
  '08 01 ff',
  '08 0d "0123456789abc"',
  `08 3e "${'x'.repeat(62)}"`,
  `08 3f "${'x'.repeat(63)}"`,
  `08 28 "${'y'.repeat(40)}"`,
  '09 02 00 ff',
  '0a',
  '08 f0 ff',
] as const

const schemas: fc.Arbitrary<Schema> = fc
  .uniqueArray(
    fc.tuple(fc.constantFrom(...names), fc.constantFrom(...types), fc.constantFrom('', '?', '[]')),
    { maxLength: 6, selector: ([name]) => name },
  )
  .map((slots) => Object.fromEntries(slots.map(([name, type, how]) => [name, `${type}${how}`])) as Schema)

type Item = readonly [name: string, value: string]
const item: fc.Arbitrary<Item> = fc.tuple(fc.constantFrom(...names), fc.constantFrom(...values))

/** What HAProxy does: the same names all the time, and values that mostly stay; now and then something else. */
const sequences: fc.Arbitrary<readonly (readonly Item[])[]> = fc
  .tuple(
    fc.array(item, { maxLength: 6 }),
    fc.array(item, { maxLength: 6 }),
    fc.array(
      fc.record({
        second: fc.boolean(),
        change: fc.option(fc.tuple(fc.nat(5), fc.constantFrom(...values))),
        other: fc.option(fc.array(item, { maxLength: 6 }), { freq: 9 }),
      }),
      { minLength: 1, maxLength: 24 },
    ),
  )
  .map(([first, second, steps]) =>
    steps.map(({ second: isSecond, change, other }) => {
      const base = other ?? (isSecond ? second : first)
      return base.map(([name, value], at): Item => [name, change?.[0] === at ? change[1] : value])
    }),
  )

function encode(items: readonly Item[]): Buffer {
  return Buffer.concat(
    items.flatMap(([name, value]) => [Buffer.from([name.length]), Buffer.from(name), hex(value)]),
  )
}

/** Names, their order, and values with their types. */
function show(values: object): string {
  return JSON.stringify(Object.entries(values), (_, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  )
}

type Read = (reader: Reader, count: number) => Record<string, unknown>
type Reader = ReturnType<typeof createReader>

/** All that can be seen of reading a message of which `end` bytes are there: values or error, and where the reader stands. */
function outcome(read: Read, bytes: Buffer, count: number, end: number): [unknown, number?] {
  // Something stands before and behind the frame.
  const chunk = Buffer.concat([Buffer.from('<<'), bytes, Buffer.from('>'.repeat(80))])
  const reader = createReader(chunk, 2, 2 + end)
  let values: Record<string, unknown>
  try {
    values = read(reader, count)
  } catch (error) {
    assert.ok(error instanceof SluiceError)
    // Behind what is no SPOP nothing is read.
    return error.code === 'ERR_AGENT_ARGUMENT' ? [error.message, reader.at] : [error.message]
  }
  const shown = show(values)
  // What was read stays when the chunk is written over; `any` is a view of it.
  const own = Object.entries(values).filter(([, value]) => !isAny(value))
  const before = show(own)
  chunk.fill(0)
  assert.equal(show(own), before)
  // What a handler does with its arguments is nobody else's business.
  for (const [name, value] of own) {
    if (Array.isArray(value)) value.push('more')
    if (Buffer.isBuffer(value)) value.fill(1)
    values[name] = 'changed'
  }
  return [shown, reader.at]
}

function isAny(value: unknown): boolean {
  const [first]: unknown[] = Array.isArray(value) ? value : [value]
  return typeof first === 'object' && first !== null && 'type' in first
}

function check(schema: Schema, messages: readonly (readonly Item[])[], cut: number): void {
  const decoder = new ArgumentDecoder('m', schema)
  const slots = new Slots('m', schema)
  for (const [index, items] of messages.entries()) {
    const bytes = encode(items)
    const end = index % 5 === 4 ? Math.floor(bytes.length * cut) : bytes.length
    const wanted = outcome((reader, count) => readPlainly(slots, reader, count), bytes, items.length, end)
    const got = outcome((reader, count) => decoder.decode(reader, count), bytes, items.length, end)
    assert.deepEqual(got, wanted)
  }
}

test('a decoder that has read other messages reads as one that has read none', () => {
  fc.assert(fc.property(schemas, sequences, fc.double({ min: 0, max: 1, noNaN: true }), check), {
    numRuns: 400,
  })
})

test('whatever comes again, and for how long', () => {
  const schema = { a: 'string?', ab: 'integer?', b: 'ip?', name: 'boolean?' } as const
  const rest: readonly Item[] = [
    ['b', '06 c0 00 02 07'],
    ['name', '11'],
  ]
  const messages = Array.from({ length: 1200 }, (_, at): Item[] => {
    const text = at % 300 < 60 ? '08 03 "GET"' : `08 04 "${1000 + (at % 7)}"`
    const number = at < 500 ? '02 05' : at % 3 === 0 ? '00' : `02 ${(10 + (at % 50)).toString()}`
    return [['a', text], ['ab', number], ...(at % 11 === 10 ? rest.toReversed() : rest)]
  })
  check(schema, messages, 0.5)
})
