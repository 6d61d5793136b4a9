import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseHex, parseVectors } from './hex.ts'

test('bytes are hexadecimal digits, quoted text and repetitions; a comment ends the line', () => {
  assert.deepEqual(parseHex('00 fF"a b"  # 11 "x"'), Buffer.from('00ff612062', 'hex'))
  assert.deepEqual(parseHex('01*3 "ab"*2'), Buffer.from('01010161626162', 'hex'))
  assert.deepEqual(parseHex('"#" 02 # comment'), Buffer.from('2302', 'hex'))
  assert.deepEqual(parseHex('   # nothing'), Buffer.alloc(0))
  for (const wrong of ['0', '0g', '00 "open', 'deadbee']) assert.throws(() => parseHex(wrong), /not bytes/)
})

test('a file holds several vectors, each with a name, bytes and an expectation', () => {
  const text = [
    '# about the file',
    '',
    '# one',
    '# more words',
    '01  # first',
    '02',
    '=> { "a": 1,',
    '     "b": 2 }',
    '',
    '03',
    '~> {}',
    '# three',
    '04',
    '=> error ERR_X',
    '05',
    '=> split ERR_Y',
  ].join('\n')
  assert.deepEqual(parseVectors(text, 'f'), [
    {
      where: 'f:5',
      name: 'one',
      bytes: Buffer.of(1, 2),
      expected: { kind: 'value', value: { a: 1, b: 2 }, canonical: true },
    },
    {
      where: 'f:10',
      name: 'f:10',
      bytes: Buffer.of(3),
      expected: { kind: 'value', value: {}, canonical: false },
    },
    { where: 'f:13', name: 'three', bytes: Buffer.of(4), expected: { kind: 'error', code: 'ERR_X' } },
    { where: 'f:15', name: 'f:15', bytes: Buffer.of(5), expected: { kind: 'split', code: 'ERR_Y' } },
  ])
})

test('a mistake in a file is told with its line', () => {
  assert.throws(() => parseVectors('00\n0x\n=> {}', 'f'), { message: 'f:2' })
  assert.throws(() => parseVectors('00\n=> {', 'f'), /f:1: the expectation is not JSON/)
  assert.throws(() => parseVectors('00\n', 'f'), /f:1: bytes without an arrow/)
})
