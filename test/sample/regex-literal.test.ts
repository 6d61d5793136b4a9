import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compileRegex, PatternCache, str } from '#src/sample/index.js'
import { matchMethods } from '#src/sample/patterns/match-method.js'
import { addWord } from '#src/sample/patterns/pattern-set.js'
import { RegexPatterns } from '#src/sample/patterns/regex-patterns.js'
import { requiredLiteral } from '#src/sample/regex-literal.js'

/** Pattern, and the text that every match has. */
const rows: readonly (readonly [string, string])[] = [
  ['^/path-1/thing$', '/path-1/thing'],
  ['^/api/v[0-9]+/users/(foo|bar)\\.php$', '/users/'],
  ['ab?cd', 'cd'],
  ['abc*', 'ab'],
  ['abc+d', 'ab'],
  ['abc{2,3}de', 'ab'],
  ['a{2}', ''],
  ['abc|def', ''],
  ['(abc)def', 'def'],
  ['(abc|x(y|z))?de', 'de'],
  ['(?:abc)de', 'de'],
  ['\\.php\\?id=', '.php?id='],
  ['a\\d\\w+bcd', 'bcd'],
  ['[a\\]b]cd[]x]ef[^]y]g', 'cd'],
  ['[[:alpha:]]bcd', ''],
  ['(?i)abc', ''],
  ['(?#abc)def', ''],
  ['(?=abc)def', ''],
  ['(?<n>a)bc', ''],
  ['\\x41bc', ''],
  ['\\Qa.b\\Ecd', ''],
  ['\\101bc', ''],
  ['(abc', ''],
  ['abc)', ''],
  ['a{x}bc', ''],
  ['', ''],
]

test('what every match has in it', () => {
  for (const [pattern, literal] of rows) assert.equal(requiredLiteral(pattern), literal, pattern)
})

// Few characters, so that patterns are right now and then, and match.
const piece = fc.constantFrom(
  ...'a b c aB bca . ^ $ | ( ) (?: ? * + {1,2} {0} \\. \\d \\b [ab] [^a] []a] (a|b) (?:c)? (b)* \\x61 a?'.split(
    ' ',
  ),
)
const expression = fc.array(piece, { minLength: 1, maxLength: 8 }).map((pieces) => pieces.join(''))
const text = fc.string({ unit: fc.constantFrom('a', 'b', 'B', 'c', '.', '1'), maxLength: 12 })

test('no expression matches a text without its literal', () => {
  fc.assert(
    fc.property(expression, fc.array(text, { maxLength: 10 }), (pattern, texts) => {
      const regexp = compileRegex(pattern)
      const literal = requiredLiteral(pattern)
      if (typeof regexp === 'string') return
      for (const each of texts)
        if (regexp.test(each)) assert.ok(each.includes(literal), `${pattern} on ${each}`)
    }),
    { numRuns: 1500 },
  )
})

for (const ignoreCase of [false, true]) {
  test(`many expressions, ${ignoreCase ? 'without' : 'with'} regard to case, as one after the other would find them`, () => {
    fc.assert(
      fc.property(
        fc.array(expression, { minLength: 25, maxLength: 80 }),
        fc.array(text, { maxLength: 10 }),
        (patterns, texts) => {
          const right = patterns.flatMap((pattern) => {
            const regexp = compileRegex(pattern, { ignoreCase })
            return typeof regexp === 'string' ? [] : [{ pattern, regexp }]
          })
          const sets = [
            matchMethods.reg.create(ignoreCase, new PatternCache()),
            new RegexPatterns(ignoreCase),
          ]
          for (const set of sets)
            for (const { pattern } of right) assert.equal(addWord(set, pattern), undefined)
          for (const each of texts) {
            const expected = right.findIndex(({ regexp }) => regexp.test(each))
            for (const set of sets) assert.equal(set.find(str(each)), expected)
          }
        },
      ),
      { numRuns: 100 },
    )
  })
}

test('the match itself, among many', () => {
  const set = new RegexPatterns(false)
  for (let at = 0; at < 100; at++) addWord(set, `^/path-${at}/(.)`)
  addWord(set, '^/(.)')
  assert.equal(set.findMatch('/path-77/x')?.number, 77)
  assert.equal(set.findMatch('/path-77/x')?.match[1], 'x')
  assert.equal(set.findMatch('/y')?.number, 100)
  assert.equal(set.findMatch('y'), undefined)
})
