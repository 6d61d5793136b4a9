import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  decodeMessages,
  EncodedMessages,
  encodeMessages,
  encodeNotify,
  Message,
  type MessageInput,
} from 'sluice/spop'
import { plainValue } from '../support/plain-frame.ts'
import { hex, reading, spopError, written } from './support.ts'

const valuesOf = (message: Message | undefined) =>
  message?.args.map(([name, data]) => [name, plainValue(data)])

test('NB-ARGS is honoured: a second message is not read as arguments of the first', () => {
  const messages = decodeMessages(reading('02 "m1" 01 01 "a" 08 01 "x"  02 "m2" 01 01 "b" 08 01 "y"'))
  assert.deepEqual(
    messages.map(({ name }) => name),
    ['m1', 'm2'],
  )
  assert.deepEqual(valuesOf(messages[0]), [['a', 'x']])
  assert.deepEqual(valuesOf(messages[1]), [['b', 'y']])
})

test('0, 127, 128 and 255 arguments are read and written', () => {
  for (const count of [0, 1, 127, 128, 255]) {
    const bytes = hex(`01 "m" ${count.toString(16).padStart(2, '0')} 00*${count * 2} 01 "n" 00`)
    const messages = decodeMessages(reading(bytes))
    assert.deepEqual(
      messages.map(({ name, args }) => [name, args.length]),
      [
        ['m', count],
        ['n', 0],
      ],
    )
    assert.equal(
      written((writer) => encodeMessages(writer, messages)),
      bytes,
    )
  }
})

test('256 arguments do not fit, and nothing of the frame is left behind', () => {
  const args = Array.from({ length: 256 }, () => ['', null] as const)
  const messages: MessageInput[] = [
    { name: 'first', args: [] },
    { name: 'big', args },
  ]
  const bytes = written((writer) => {
    writer.uint8(1)
    assert.throws(
      () => encodeNotify(writer, 1, 1, messages),
      spopError('ERR_SPOP_VALUE', /message 'big' has 256 arguments, 255 fit/, 'local'),
    )
    assert.throws(() => encodeNotify(writer, -0.5, 1, []), spopError('ERR_SPOP_VALUE', undefined, 'local'))
  })
  assert.equal(bytes, '01')
})

test('arguments are found by name: the first, or all of them in order', () => {
  const [message] = decodeMessages(
    reading('01 "m" 05  01 "a" 04 01  00 04 02  01 "b" 04 03  01 "a" 04 04  00 04 05'),
  )
  const one = (name: string) => {
    const data = message?.get(name)
    return data === undefined ? undefined : plainValue(data)
  }
  assert.deepEqual(one('a'), { int64: 1 })
  assert.deepEqual(one('b'), { int64: 3 })
  assert.deepEqual(one(''), { int64: 2 })
  assert.equal(one('c'), undefined)
  assert.equal(one('constructor'), undefined)
  assert.deepEqual(message?.all('a').map(plainValue), [{ int64: 1 }, { int64: 4 }])
  assert.deepEqual(message?.all('').map(plainValue), [{ int64: 2 }, { int64: 5 }])
  assert.deepEqual(message?.all('c'), [])
})

test('plain values are taken for arguments', () => {
  const length = { value: 0 }
  const bytes = written((writer) => {
    length.value = encodeNotify(writer, 7, 240, [
      {
        name: 'm',
        args: [
          ['a', 'x'],
          ['', -1],
        ],
      },
      { name: 'n', args: new Message('n', []).args },
    ])
  })
  assert.equal(
    bytes,
    hex('0000001f 03 00000001 07 f000 01 "m" 02 01 "a" 08 01 "x" 00 04 ff f0 fe*7 0e 01 "n" 00'),
  )
  assert.equal(length.value, 31)
})

test('messages that their sender has encoded are copied as they are, time after time', () => {
  const encoded = new EncodedMessages()
  for (const bytes of ['01 "m" 01 01 "a" 08 01 "x"', '01 "n" 00', `01 "o" 01 01 "b" 09 f0 ff 01 00*4096`]) {
    encoded.reset()
    encoded.writer.copy(Buffer.from(hex(bytes), 'hex'))
    assert.deepEqual(
      written((writer) => encodeMessages(writer, encoded)),
      hex(bytes),
    )
  }
})
