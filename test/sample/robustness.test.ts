import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  compileAcl,
  compileCondition,
  compileExpression,
  compileLogFormat,
  compileRegex,
  defaultRegistry,
} from '#src/sample/index.js'
import { compileContext, requestStream, word, words } from '../support/sample-stream.ts'

const stream = requestStream(
  'POST /a/b?c=d&e HTTP/1.1\r\nHost: h:1, i\r\nCookie: a=b; c="d\r\nX: \xff,"\r\n\r\nbody=1&',
  { requestBuffer: Buffer.from('abc') },
)

const latin1 = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  maxLength: 12,
})
const argument = fc.oneof(
  fc.constantFrom('1', '-1', '0', 'txn.x', 'host', '/', ',', '24', '::1', '"', "'", ')', '%s', 'g'),
  latin1,
)
const list = fc
  .array(argument, { maxLength: 3 })
  .map((args) => (args.length === 0 ? '' : `(${args.join(',')})`))
const call = (names: Iterable<string>) =>
  fc.tuple(fc.constantFrom(...names), list).map((pair) => pair.join(''))
const expression = fc
  .tuple(
    call(defaultRegistry.fetches.keys()),
    fc.array(call(defaultRegistry.converters.keys()), { maxLength: 4 }),
  )
  .map(([fetch, converters]) => [fetch, ...converters].join(','))

const files = { '1': 'a b\n/ c\n', '/': '1.2.3.4 x\n', host: 'h 1\n' }

test('whatever is written gives an expression or a complaint, and evaluates without throwing', () => {
  fc.assert(
    fc.property(fc.oneof({ weight: 9, arbitrary: expression }, { weight: 1, arbitrary: latin1 }), (text) => {
      const context = compileContext({ files })
      const compiled = compileExpression(word(text), context)
      assert.equal(compiled === undefined, context.diagnostics.failed, text)
      compiled?.evaluate(stream)
      compiled?.some(stream, () => false)
      compileLogFormat(word(`x%[${text}] %{+Q}[${text}]`), compileContext({ files }), 'log')?.format(stream)
    }),
    { numRuns: 2000 },
  )
})

test('the same for ACLs and conditions', () => {
  const flag = fc.constantFrom(
    '-i',
    '-m',
    'beg',
    'int',
    'found',
    'bin',
    '-f',
    'host',
    '--',
    'gt',
    'eq',
    '1:',
    '-M',
    '{',
    '}',
    '!',
    'or',
  )
  const rest = fc.array(fc.oneof(flag, argument), { maxLength: 5 })
  fc.assert(
    fc.property(expression, rest, (text, others) => {
      const context = compileContext({ files })
      assert.equal(
        compileAcl(words(['a', text, ...others]), context) === undefined,
        context.diagnostics.failed,
      )
      const condition = compileContext({ files })
      const compiled = compileCondition(words(['if', '{', text, ...others, '}']), condition)
      assert.equal(compiled === undefined, condition.diagnostics.failed)
      compiled?.test(stream)
    }),
    { numRuns: 2000 },
  )
})

test('the same for regular expressions', () => {
  const piece = fc.constantFrom(
    'a',
    '(',
    ')',
    '[',
    ']',
    '^',
    '$',
    '\\',
    '?',
    '*',
    '+',
    '{1,2}',
    '|',
    '-',
    ':',
    '<',
    '>',
    'x',
    '1',
    'i',
    '#',
    '[:alpha:]',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
      const regexp = compileRegex(pieces.join(''))
      if (typeof regexp !== 'string') regexp.exec('aab-x1')
    }),
    { numRuns: 5000 },
  )
})
