import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileRegex, compileReplacement } from '#src/sample/index.js'

function compiled(pattern: string, options = {}): RegExp {
  const regexp = compileRegex(pattern, options)
  assert.ok(typeof regexp !== 'string', String(regexp))
  return regexp
}

/** Pattern, texts that match, texts that do not. What PCRE2 does with these was tried with pcre2test's rules. */
const rows: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['^/api/v\\d+/', ['/api/v1/', '/api/v22/x'], ['/api/v/', 'x/api/v1/']],
  ['a.c', ['abc', 'a\rc'], ['a\nc', 'ac']],
  ['(?s)a.c', ['a\nc'], []],
  ['abc$', ['abc', 'abc\n', 'xabc'], ['abc\n\n', 'abcd']],
  ['abc\\z', ['abc'], ['abc\n']],
  ['abc\\Z', ['abc\n'], ['abc\n\n']],
  ['\\Aabc', ['abc'], ['\nabc']],
  ['(?m)^b$', ['a\nb\nc'], ['ab']],
  ['(?i)CaFe', ['cafe', 'CAFE'], []],
  ['(?i)caf\xe9', ['CAF\xe9'], ['caf\xc9']],
  ['a(?i)b', ['ab', 'aB'], ['Ab']],
  ['(?:a(?i)b)c', ['aBc'], ['aBC']],
  ['(?i:a)b', ['Ab'], ['aB']],
  ['(?i)a(?-i)b', ['Ab'], ['AB']],
  ['(?i)[a-c]', ['B'], ['D']],
  ['(?i)[^a]', ['b'], ['A']],
  ['[[:alpha:]]+', ['abc'], ['123']],
  ['[^[:space:]]', ['a'], [' ', '\t', '\v']],
  ['[[:^digit:]]', ['a'], ['1']],
  ['[[:xdigit:]-]', ['-', 'F'], ['g']],
  ['[]x]', [']', 'x'], ['[']],
  ['[^]x]', ['['], [']', 'x']],
  ['[a\\]b]', [']'], ['\\']],
  ['[\\d-z]', ['5', '-', 'z'], ['a']],
  ['[a-]', ['-', 'a'], ['b']],
  ['[\\b]', ['\b'], ['b']],
  ['\\s', ['\v', '\f', ' '], ['\xa0']],
  ['\\h', ['\t', '\xa0'], ['\n']],
  ['\\v', ['\n', '\x85', '\v'], ['\t']],
  ['a\\Rb', ['a\r\nb', 'a\nb', 'a\x85b'], ['a\n\nb']],
  ['\\w\\W', ['_-'], ['__']],
  ['\\x41\\x{42}\\103', ['ABC'], ['abc']],
  ['\\cA\\e\\a', ['\x01\x1b\x07'], []],
  ['a\\/b\\-c\\@', ['a/b-c@'], []],
  ['\\Qa.b*\\Ec', ['a.b*c'], ['axbc']],
  ['\\Qa.b', ['a.b'], ['axb']],
  ['a{2,3}b', ['aab', 'aaab'], ['ab']],
  ['a{,3}', ['a{,3}'], ['aaa']],
  ['a{b', ['a{b'], []],
  ['(a)(b)\\2\\1', ['abba'], ['abab']],
  ['(?<n>a)\\k<n>', ['aa'], ['ab']],
  ["(?'n'a)(?P=n)", ['aa'], ['ab']],
  ['(a)\\g1\\g{-1}', ['aaa'], ['aa']],
  ['(?=a)\\w(?!b)(?<=a)(?<!b)c', ['ac'], ['abc']],
  ['a(?#comment)b', ['ab'], []],
  ['(?x) a b # both\n c\\ d', ['abc d'], ['a b']],
  ['a+?b', ['aab'], []],
  ['x|', ['', 'x'], []],
]

test('patterns mean what they mean in PCRE', () => {
  for (const [pattern, matching, others] of rows) {
    const regexp = compiled(pattern)
    for (const text of matching) assert.ok(regexp.test(text), `${pattern} on ${JSON.stringify(text)}`)
    for (const text of others) assert.ok(!regexp.test(text), `${pattern} not on ${JSON.stringify(text)}`)
  }
})

test('case can be ignored from outside, and the start can be none', () => {
  assert.ok(compiled('^/IMAGES', { ignoreCase: true }).test('/images'))
  assert.ok(!compiled('^a', { notAtStart: true }).test('a'))
  assert.ok(!compiled('\\Aa', { notAtStart: true }).test('a'))
  assert.ok(compiled('(?m)^a', { notAtStart: true }).test('\na'))
  assert.ok(!compiled('(?m)^a', { notAtStart: true }).test('a'))
})

test('what JavaScript cannot do is refused with its reason', () => {
  const refused: Readonly<Record<string, RegExp>> = {
    'a++': /possessive quantifier/,
    'a{2}+': /possessive quantifier/,
    '(?>a)': /cannot do/,
    '(?R)': /cannot do/,
    '(?(1)a)': /cannot do/,
    '(?|a)': /cannot do/,
    '(*UTF8)a': /verb/,
    '\\Ka': /'\\K'/,
    '\\Ga': /'\\G'/,
    '\\pL': /'\\p'/,
    '(?i)(a)\\1': /back-reference without regard to case/,
    '(a)\\2': /refers to group 2/,
    '\\18': /refers to group 18|escape/,
    '(a': /closing parenthesis/,
    'a)': /closing parenthesis too many/,
    '[a': /closing bracket/,
    '[z-a]': /range out of order/,
    '[[:nope:]]': /unknown class/,
    'a\\': /ends with a backslash/,
    '*a': /is wrong/,
    '\u20ac': /beyond latin1/,
    '[\u20ac]': /beyond latin1/,
    '(?#a': /comment without its end/,
  }
  for (const [pattern, reason] of Object.entries(refused)) {
    const result = compileRegex(pattern)
    assert.ok(typeof result === 'string', pattern)
    assert.match(result, reason)
  }
})

test('replacements refer to groups and bytes', () => {
  const replace = compileReplacement('<\\1-\\x41\\\\\\.\\9>')
  assert.ok(typeof replace !== 'string')
  const match = /(b)/.exec('abc')
  assert.ok(match !== null)
  assert.equal(replace(match), '<b-A\\.>')
  for (const wrong of ['a\\', 'a\\x4', 'a\\xg1'])
    assert.equal(typeof compileReplacement(wrong), 'string', wrong)
})
