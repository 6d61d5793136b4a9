import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encodeParams, FcgiError } from 'sluice/fcgi'
import { Writer } from '#src/bytes/writer.js'
import { ParamList } from '#src/fcgi/codec/param-list.js'
import { paramName } from '#src/fcgi/codec/param-name.js'

function listOf(...pairs: readonly (readonly [name: string, value: string])[]): ParamList {
  const list = new ParamList()
  for (const [name, value] of pairs) list.set(paramName(name), value)
  return list
}

function encoded(params: Iterable<readonly [string, string]>): string {
  const writer = new Writer()
  encodeParams(writer, 0x0102, params)
  return writer.view().toString('latin1')
}

const long = 'v'.repeat(128)

describe('ParamList', () => {
  it('is written as the specification has it (sections 3.3, 3.4, 5.2)', () => {
    assert.equal(encoded(listOf()), '\x01\x04\x01\x02\0\0\0\0')
    assert.equal(
      encoded(listOf(['A', 'bc'], ['NAME', ''], ['B', long], ['C', '\xff'])),
      `\x01\x04\x01\x02\0\x95\0\0\x01\x02Abc\x04\0NAME\x01\x80\0\0\x80B${long}\x01\x01C\xff\x01\x04\x01\x02\0\0\0\0`,
    )
  })

  // Those of a Map go pair by pair: other code, which test/fcgi/codec/vectors.test.ts holds to bytes of real peers.
  const cases: Record<string, readonly (readonly [string, string])[]> = {
    'values around the length that takes four bytes': [126, 127, 128, 129, 300].map((size) => [
      `N${size}`,
      'x'.repeat(size),
    ]),
    'a value whose length has three bytes': [['N', 'x'.repeat(0x1_00_00 - 20)]],
    'names that are too long to be kept': [
      ['N'.repeat(81), '1'],
      ['N'.repeat(127), '2'],
    ],
    'a name that is long': [
      ['N'.repeat(128), '1'],
      ['N'.repeat(300), long],
    ],
    'more than one record': Array.from({ length: 5 }, (_, at) => [`N${at}`, 'x'.repeat(30_000)]),
    'text that V8 keeps with two bytes a character': [
      ['N', '\u0100 and what stands behind it, \xe9'.slice(1)],
    ],
  }
  for (const [what, pairs] of Object.entries(cases)) {
    it(`is written as a Map is: ${what}`, () => {
      assert.equal(encoded(listOf(...pairs)), encoded(new Map(pairs)))
    })
  }

  for (const [what, name, value] of [
    ['a NUL in a value', 'N', 'a\0b'],
    ['a NUL in a long value', 'N', `${long}\0`],
    ['a character that is no byte', 'N', 'a\u0100'],
    ['an empty name', '', 'a'],
  ] as const) {
    it(`is refused, and leaves nothing in the writer: ${what}`, () => {
      const writer = new Writer()
      writer.uint8(7)
      assert.throws(
        () => encodeParams(writer, 1, listOf(['A', 'b'], [name, value])),
        (error) => error instanceof FcgiError && error.code === 'ERR_FCGI_PARAM_VALUE',
      )
      assert.equal(writer.at, 1)
    })
  }

  it('has each name once, in the place that it came to first', () => {
    const unkept = 'U'.repeat(100)
    const list = listOf(['A', '1'], [unkept, '2'], ['B', '3'], ['A', '4'], [unkept, '5'])
    assert.deepEqual(
      [...list],
      [
        ['A', '4'],
        [unkept, '5'],
        ['B', '3'],
      ],
    )
    assert.equal(list.get(paramName(unkept)), '5')
    assert.equal(list.get(paramName('C')), undefined)
  })

  it('is found in when others were made since, with the same names at other places', () => {
    const older = listOf(['A', '1'], ['B', '2'])
    const newer = listOf(['B', '3'], ['A', '4'], ['C', '5'])
    older.set(paramName('D'), '6')
    older.set(paramName('C'), '7')
    older.set(paramName('A'), '8')
    for (const [list, expected] of [
      [older, { A: '8', B: '2', D: '6', C: '7' }],
      [newer, { B: '3', A: '4', C: '5' }],
    ] as const) {
      assert.deepEqual(Object.fromEntries(list), expected)
      for (const [name, value] of Object.entries(expected)) assert.equal(list.get(paramName(name)), value)
    }
    assert.equal(newer.get(paramName('D')), undefined)
  })
})
