import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PatternFile } from '#src/sample/patterns/pattern-file.js'

/** Pattern, value and line of each line that has a pattern. */
function read(text: string, isMap: boolean): (readonly [string, string, number])[] {
  const file = new PatternFile(Buffer.from(text, 'latin1'), isMap)
  const found: (readonly [string, string, number])[] = []
  const cut = (start: number, end: number) => file.bytes.toString('latin1', start, end)
  while (file.next())
    found.push([cut(file.start, file.end), isMap ? cut(file.valueStart, file.valueEnd) : '', file.line])
  return found
}

// pat_ref_read_from_file and pat_ref_read_from_file_smp in HAProxy's src/pattern.c.
const rows: readonly (readonly [
  text: string,
  list: readonly string[],
  map: readonly (readonly [string, string])[],
])[] = [
  ['', [], []],
  ['\n\r\n \t\n#a\n', [], []],
  ['a', ['a'], [['a', '']]],
  [
    'a\nb\n',
    ['a', 'b'],
    [
      ['a', ''],
      ['b', ''],
    ],
  ],
  [' \ta b \t\n', ['a b \t'], [['a', 'b']]],
  [
    'a b c\r\nd  e\r\n',
    ['a b c', 'd  e'],
    [
      ['a', 'b c'],
      ['d', 'e'],
    ],
  ],
  ['a\rb\n', ['a'], [['a', '']]],
  [' #a b\n#c\n', ['#a b'], [['#a', 'b']]],
  ['\xe9 \xe8', ['\xe9 \xe8'], [['\xe9', '\xe8']]],
]

test('one pattern a line, and what stands behind it', () => {
  for (const [text, list, map] of rows) {
    const name = JSON.stringify(text)
    assert.deepEqual(
      read(text, false).map(([pattern]) => pattern),
      list,
      name,
    )
    assert.deepEqual(
      read(text, true).map(([pattern, value]) => [pattern, value]),
      map,
      name,
    )
  }
})

test('lines are counted with those that have no pattern', () => {
  const text = '# a list\n\na 1\n\r\n  # b 2\nc 3'
  const lines = [3, 5, 6]
  for (const isMap of [false, true])
    assert.deepEqual(
      read(text, isMap).map(([, , line]) => line),
      lines,
    )
})
