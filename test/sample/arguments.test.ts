import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ArgSpec } from '#src/sample/arguments.js'
import { formatSyntax, parseArguments } from '#src/sample/arguments.js'
import { compileContext, complaints } from '../support/sample-stream.ts'

const place = { file: 'test.cfg', line: 3, column: 10 }

function parse(text: string, specs: readonly ArgSpec[]) {
  const context = compileContext()
  const parsed = parseArguments({ text, place }, 1, 'f', specs, place, context)
  return { parsed, complaints: complaints(context) }
}

const strings: readonly ArgSpec[] = [
  { name: 'a', type: 'str' },
  { name: 'b', type: 'str', optional: true },
]

test('quotes and escapes of the second level', () => {
  const rows: readonly (readonly [string, string | undefined, string | undefined])[] = [
    ['f(x,y)', 'x', 'y'],
    ['f("a,b)c",y)', 'a,b)c', 'y'],
    ["f('a\\b\"',y)", 'a\\b"', 'y'],
    ['f("it\'s",y)', "it's", 'y'],
    ['f(a\\\\b\\ c\\"\\\',y)', 'a\\b c"\'', 'y'],
    ['f(\\r\\n\\t\\d,)', '\r\n\t\\d', ''],
    ['f()', '', undefined],
    ['f', '', undefined],
  ]
  for (const [text, first, second] of rows) {
    const { parsed } = parse(text, strings)
    assert.equal(parsed?.args.text(0), first, text)
    assert.equal(parsed?.args.text(1), second, text)
    assert.equal(parsed?.end, text.length)
  }
})

test('what follows the list is left alone', () => {
  assert.equal(parse('f(x),lower', strings).parsed?.end, 4)
})

test('types are checked, with the column of the argument', () => {
  const integer: readonly ArgSpec[] = [
    { name: 'text', type: 'str' },
    { name: 'n', type: 'sint' },
  ]
  assert.deepEqual(parse('f(x,12)', integer).parsed?.args.integer(1), 12)
  assert.match(
    parse('f(x,y)', integer).complaints[0] ?? '',
    /^test\.cfg:3:14: error: argument <n> of 'f' is 'y'/,
  )
  assert.match(parse('f(x,)', integer).complaints[0] ?? '', /is empty; an integer is wanted/)
  assert.match(parse('f(x)', integer).complaints[0] ?? '', /misses its argument <n>/)
  assert.match(parse('f(x,1,2)', integer).complaints[0] ?? '', /^test\.cfg:3:16: .*at most 2/)
  assert.match(parse('f(x', integer).complaints[0] ?? '', /closing parenthesis/)
  assert.match(parse('f(x)', []).complaints[0] ?? '', /takes no argument/)
  assert.deepEqual(parse('f()', []).complaints, [])
})

test('addresses and masks', () => {
  const specs: readonly ArgSpec[] = [
    { name: 'v4', type: 'ipv4' },
    { name: 'v6', type: 'ipv6' },
    { name: 'm4', type: 'mask4' },
    { name: 'm6', type: 'mask6' },
  ]
  const { parsed } = parse('f(192.0.2.1,::1,16,16)', specs)
  assert.deepEqual(parsed?.args.bytes(0), Uint8Array.of(192, 0, 2, 1))
  assert.equal(parsed?.args.bytes(1)?.length, 16)
  assert.deepEqual(parsed?.args.bytes(2), Uint8Array.of(255, 255, 0, 0))
  assert.equal(parsed?.args.bytes(3)?.[1], 255)
  assert.equal(parsed?.args.text(0), undefined)
  assert.match(parse('f(::1,::1,1,1)', specs).complaints[0] ?? '', /not an IPv4 address/)
})

test('large counts are cut', () => {
  const specs: readonly ArgSpec[] = [{ name: 'n', type: 'sint' }]
  assert.equal(parse('f(9223372036854775807)', specs).parsed?.args.count32(0), 0x7fffffff)
  assert.equal(parse('f(-9223372036854775808)', specs).parsed?.args.count32(0), -0x7fffffff)
})

test('the documentation shows what is optional', () => {
  assert.equal(formatSyntax('f', strings), 'f(a[,b])')
  assert.equal(formatSyntax('f', []), 'f')
})
