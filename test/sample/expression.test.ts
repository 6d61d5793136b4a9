import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileExpression, compileExpressionWords, str } from '#src/sample/index.js'
import {
  compileContext,
  complaints,
  requestStream,
  testStream,
  word,
  words,
} from '../support/sample-stream.ts'

/** Expression, and how its complaint begins. */
const wrong: readonly (readonly [string, RegExp])[] = [
  ['', /^test\.cfg:1:1: error: a sample fetch is missing \(CFG_SAMPLE_SYNTAX\)/],
  ['pth', /^test\.cfg:1:1: error: unknown fetch 'pth' \(CFG_SAMPLE_FETCH\)\n {4}hint: did you mean 'path'\?/],
  ['nothing.like.it', /unknown fetch 'nothing\.like\.it' \(CFG_SAMPLE_FETCH\)$/],
  ['sc0_conn_rate', /fetch 'sc0_conn_rate' is known to HAProxy, but not supported/],
  ['path,lowr', /^test\.cfg:1:6: error: unknown converter 'lowr'.*\n.*did you mean 'lower'/],
  ['path,ungrpc', /^test\.cfg:1:6: error: converter 'ungrpc' is known to HAProxy, but not supported/],
  ['path,lower,,field(1)', /^test\.cfg:1:13: error: 'field' misses its argument <delimiters>/],
  ['bin(00),add(1)', /^test\.cfg:1:9: error: converter 'add' takes sint, and cannot be applied to bin/],
  ['path lower', /^test\.cfg:1:5: error: ' lower' does not belong.*\n.*without spaces/],
  ['path;lower', /'path;lower'|';lower' does not belong/],
  ['path,lower(x)', /^test\.cfg:1:12: error: 'lower' takes no argument/],
  ['status', /fetch 'status' needs HTTP response, not available in http-request \(CFG_SAMPLE_CONTEXT\)/],
  ['res.hdr(a)', /needs HTTP response headers/],
  [
    'var(tx.a)',
    /^test\.cfg:1:5: error: variable name 'tx\.a' must start with its scope.*CFG_SAMPLE_VARIABLE/,
  ],
  [
    'path,regsub(a++,b)',
    /^test\.cfg:1:13: error: regular expression 'a\+\+' has a possessive.*CFG_SAMPLE_REGEX/,
  ],
  ['path,map(none.map)', /^test\.cfg:1:10: error: map file 'none\.map' cannot be read \(CFG_SAMPLE_FILE\)/],
  ['int(1),map_int(bad.map)', /^bad\.map:2:1: error: 'x' is not a number \(CFG_SAMPLE_FILE\)/],
  ['path,map_str_int(bad.map)', /^bad\.map:1:1: error: value 'one' is not an integer/],
  ['path,map_str_ip(ok.map,nope)', /default 'nope' is no address/],
]

test('complaints name the place of the offending part', () => {
  for (const [text, expected] of wrong) {
    const context = compileContext({ files: { 'bad.map': '1 one\nx two\n', 'ok.map': '' } })
    assert.equal(compileExpression(word(text), context), undefined, text)
    assert.match(complaints(context)[0] ?? '', expected, text)
  }
})

test('an expression says what it gives and needs', () => {
  const context = compileContext()
  const expression = compileExpression(word('req.hdr(a),length,add(txn.b)'), context)
  assert.equal(expression?.type, 'sint')
  assert.equal(expression?.fetch, 'req.hdr')
  assert.deepEqual(expression?.needs, ['request-headers'])
  assert.deepEqual(context.variableNames.list(), ['txn.b'])
  assert.equal(compileExpression(word('var(txn.b),set-var(txn.c)'), context)?.type, 'any')
})

test('a backend knows itself', () => {
  assert.notEqual(compileExpression(word('be_name'), compileContext({ isBackend: true })), undefined)
  assert.equal(compileExpression(word('be_name'), compileContext()), undefined)
  const later = compileContext({ checkpoint: 'http-response' })
  assert.notEqual(compileExpression(word('be_name'), later), undefined)
})

test('superfluous commas are let through', () => {
  const stream = requestStream('GET /Path HTTP/1.1\r\n\r\n')
  for (const text of ['path,', 'path,,lower,upper', 'path,lower,'])
    assert.notEqual(compileExpression(word(text), compileContext())?.evaluate(stream), undefined)
})

test('converters may stand in words of their own', () => {
  const context = compileContext()
  const stream = requestStream('GET /Path HTTP/1.1\r\n\r\n')
  const found = compileExpressionWords(words('x path lower bytes(1,2) table t'), 1, context)
  assert.equal(found?.next, 4)
  assert.deepEqual(found?.expression.evaluate(stream), str('pa'))
  assert.equal(compileExpressionWords(words('x'), 1, context), undefined)
})

test('every sample is tried, until a converter fails', () => {
  const stream = requestStream('GET / HTTP/1.1\r\nX: 61, zz, 62\r\n\r\n')
  const expression = compileExpression(word('req.hdr(x),hex2i'), compileContext())
  const seen: unknown[] = []
  assert.equal(
    expression?.some(stream, (value) => {
      seen.push(value.value)
      return false
    }),
    false,
  )
  assert.deepEqual(seen, [0x61])
  assert.equal(
    expression?.some(stream, (value) => value.value === 0x61),
    true,
  )
})

test('nothing is found in a stream without what is needed', () => {
  const stream = testStream()
  for (const text of [
    'path,lower,length',
    'req.hdr(x)',
    'method',
    'req.body',
    'req.cook(a)',
    'req.body',
    'urlp(a)',
    'base32',
  ])
    assert.equal(compileExpression(word(text), compileContext())?.evaluate(stream), undefined, text)
})

test('what gives the same when it is asked again is known', () => {
  const stable = [
    'src',
    'dst_port',
    'method',
    'path',
    'req.hdr(a)',
    'req.cook(a)',
    'req.body',
    'fe_name',
    'int(5)',
    'str(a)',
    'bool(true)',
  ]
  const others = [
    'rand',
    'date',
    'uuid()',
    'var(txn.a)',
    'env(HOME)',
    'req.body',
    'path,lower',
    'src,set-var(txn.a)',
  ]
  for (const text of [...stable, ...others]) {
    const expression = compileExpression(word(text), compileContext())
    assert.equal(expression?.stable, stable.includes(text), text)
  }
})
