import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileAcl, compileCondition, Verdict } from '#src/sample/index.js'
import { compileContext, complaints, requestStream, testStream, words } from '../support/sample-stream.ts'

const wrong: readonly (readonly [string, RegExp])[] = [
  ['when TRUE', /^test\.cfg:1:1: error: a condition begins with 'if' or 'unless', not with 'when'/],
  ['if', /'if' has no ACL behind it \(CFG_SAMPLE_CONDITION\)/],
  ['if ! or', /has no ACL behind it/],
  ['if { path /', /^test\.cfg:1:4: error: the closing '\}' is missing.*\n.*spaces around them/],
  ['if { }', /nothing between the braces/],
  ['if {path /}', /no such ACL: '\{path'/],
  ['if METH_GTE', /^test\.cfg:1:4: error: no such ACL: 'METH_GTE'.*\n.*did you mean 'METH_GET'/],
  ['if never.heard.of.it', /hint: an ACL must be declared before it is used/],
  ['if { nope }', /^test\.cfg:1:6: error: unknown fetch 'nope'/],
]

test('complaints name the place', () => {
  for (const [text, expected] of wrong) {
    const context = compileContext()
    assert.equal(compileCondition(words(text), context), undefined, text)
    assert.match(complaints(context)[0] ?? '', expected, text)
  }
})

test('and, or, not', () => {
  const stream = requestStream('GET / HTTP/1.1\r\n\r\n')
  const rows: readonly (readonly [string, boolean])[] = [
    ['if TRUE', true],
    ['unless TRUE', false],
    ['if !TRUE', false],
    ['if ! TRUE', false],
    ['if !!TRUE', true],
    ['if TRUE FALSE', false],
    ['if TRUE FALSE or TRUE', true],
    ['if FALSE || TRUE !FALSE', true],
    ['if FALSE OR FALSE', false],
    ['unless FALSE or FALSE', true],
    ['if !{ path /a } { path / }', true],
    ['if or TRUE or', true],
  ]
  for (const [text, expected] of rows) {
    const context = compileContext()
    assert.equal(compileCondition(words(text), context)?.test(stream), expected, text)
    assert.deepEqual(complaints(context), [])
  }
})

test('a declared ACL goes before a predefined one', () => {
  const context = compileContext()
  compileAcl(words('METH_GET path /other'), context)
  const condition = compileCondition(words('if METH_GET'), context)
  assert.equal(condition?.test(requestStream('GET / HTTP/1.1\r\n\r\n')), false)
})

test('an ACL that can never match here is worth a warning', () => {
  const context = compileContext({ checkpoint: 'http-response' })
  compileAcl(words('a path /'), context)
  const condition = compileCondition(words('if a or { status 200 }'), context)
  assert.match(
    complaints(context)[0] ?? '',
    /^test\.cfg:1:4: warning: ACL 'a' never matches here: 'path' needs HTTP request headers, not available in http-response/,
  )
  assert.equal(complaints(context).length, 1)
  assert.notEqual(condition, undefined)
  const early = compileContext({ checkpoint: 'tcp-request-connection' })
  compileCondition(words('if { path / }'), early)
  assert.match(complaints(early)[0] ?? '', /warning: an anonymous ACL never matches here/)
})

test('more data can decide', () => {
  const waiting = testStream({ final: false, requestBuffer: Buffer.from('abc') })
  const evaluate = (text: string) => compileCondition(words(text), compileContext())?.evaluate(waiting)
  assert.equal(evaluate('if { req.len gt 5 }'), Verdict.Miss)
  assert.equal(evaluate('unless { req.len gt 5 }'), Verdict.Miss)
  assert.equal(evaluate('if !{ req.len gt 5 }'), Verdict.Miss)
  assert.equal(evaluate('if { req.len gt 5 } FALSE'), Verdict.Miss)
  assert.equal(evaluate('if FALSE { req.len gt 5 }'), Verdict.Fail)
  assert.equal(evaluate('if { req.len gt 5 } or TRUE'), Verdict.Pass)
  assert.equal(evaluate('if { req.len gt 5 } or FALSE'), Verdict.Miss)
  assert.equal(evaluate('if { req.len gt 2 } WAIT_END'), Verdict.Miss)
  assert.equal(compileCondition(words('if WAIT_END'), compileContext())?.test(waiting), false)
})
