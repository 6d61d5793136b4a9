import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Random } from '#src/load/random.js'
import { parseTemplate, type Turn } from '#src/load/template.js'

const turn = (): Turn => ({ seq: 7, stream: 3, random: new Random(42) })
const filled = (text: string, at: Turn = turn()) => parseTemplate(text, '--arg a').text(at)

test('what is fixed is known to be, and braces that are none stand for themselves', () => {
  for (const [text, wanted] of [
    ['plain', 'plain'],
    ['', ''],
    ['{"a":1}', '{"a":1}'],
    ['{{seq}', '{seq}'],
    ['{ seq }', '{ seq }'],
    ['{', '{'],
  ]) {
    assert.equal(parseTemplate(text ?? '', '').fixed, wanted, text)
  }
})

test('places are filled in', () => {
  assert.equal(filled('/user/{seq}/of/{stream}'), '/user/7/of/3')
  assert.equal(filled('{seq:1000}'), '1007')
  assert.equal(filled('{fill:5}'), 'xxxxx')
  const patterns: readonly (readonly [string, RegExp])[] = [
    ['{ip}', /^10\.\d+\.\d+\.\d+$/],
    ['{ip:192.0.2.0/24}', /^192\.0\.2\.\d+$/],
    ['{ip:192.0.2.7/32}', /^192\.0\.2\.7$/],
    ['{ip:2001:db8:1::/48}', /^2001:db8:1:[0-9a-f:]+$/],
    ['{int:-5-5}', /^-?[0-5]$/],
    ['{int:7-7}', /^7$/],
    ['{hex:13}', /^[0-9a-f]{13}$/],
    ['{uuid}', /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/],
    ['{pick:GET|POST}', /^(GET|POST)$/],
  ]
  for (const [text, pattern] of patterns) {
    const at = turn()
    const template = parseTemplate(text, '')
    const seen = new Set<string>()
    for (let count = 0; count < 200; count++) {
      const value = template.text(at)
      assert.match(value, pattern, text)
      seen.add(value)
    }
    assert.equal(template.fixed, undefined)
    if (!/7-7|\/32/.test(text)) assert.ok(seen.size > 1, text)
  }
})

test('the same seed fills in the same', () => {
  const text = '{ip} {hex:8} {int:0-1000000} {uuid} {pick:a|b|c}'
  assert.equal(filled(text), filled(text))
  assert.notEqual(filled(text), filled(text, { ...turn(), random: new Random(43) }))
})

for (const [text, message] of [
  ['{ipp}', /--arg a: \{ipp\} is no template; use \{seq\}.*\{pick:ONE\|OTHER\|…\}/],
  ['{int:5-1}', /\{int:5-1\} is no template; use \{int:LEAST-MOST\}/],
  ['{int}', /use \{int:LEAST-MOST\}/],
  ['{ip:300.0.0.0/8}', /use \{ip\} or \{ip:RANGE\/BITS\}/],
  ['{hex:0}', /use \{hex:DIGITS\}/],
  ['{fill:99999}', /use \{fill:BYTES\}/],
  ['{pick:}', /use \{pick:/],
  ['{constructor}', /is no template/],
] as const) {
  test(`${text} is refused, and what there is is said`, () => {
    assert.throws(() => parseTemplate(text, '--arg a'), { code: 'ERR_SLUICE_OPTION', message })
  })
}
