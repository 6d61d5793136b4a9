import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { bin, compileExpression, defaultRegistry, str } from '#src/sample/index.js'
import type { SampleValue } from '#src/sample/index.js'
import { converters } from '#src/sample/converters/registry.js'
import { unsupportedConverters } from '#src/sample/converters/unsupported.js'
import { compileContext, complaints, testStream, word } from '../../support/sample-stream.ts'

function evaluate(text: string, files: Readonly<Record<string, string>> = {}): SampleValue | undefined {
  const context = compileContext({ files })
  const expression = compileExpression(word(text), context)
  assert.deepEqual(complaints(context), [], text)
  return expression?.evaluate(testStream())
}

test('no name is registered twice, or both supported and not', () => {
  assert.equal(defaultRegistry.converters.size, converters.length)
  for (const { name } of converters) assert.equal(unsupportedConverters.has(name), false, name)
})

test('strings stay strings where bytes are wanted', () => {
  assert.deepEqual(evaluate('str(abc),bytes(1)'), str('bc'))
  assert.deepEqual(evaluate('bin(616263),bytes(1)'), bin(Buffer.from('bc')))
})

test('arguments that can never work are refused', () => {
  const wrong: Readonly<Record<string, RegExp>> = {
    'str(a),bytes(-1)': /offset must not be negative/,
    'str(a),bytes(0,-1)': /length must not be negative/,
    'str(a),field(0,b)': /0 is neither/,
    'str(a),word(1,)': /list of separators is empty/,
    'str(a),regsub(a,b,q)': /'q' are no flags of regsub/,
    'str(a),regsub(a,\\)': /backslash/,
    'str(a),be2dec(:,0)': /1 to 8/,
    'str(a),be2hex(:,0)': /must be positive/,
    'str(a),be2hex(:,1,2)': /truncate must be 0 or 1/,
    'str(a),json(x)': /no input code/,
    'str(a),url_enc(x)': /no kind of encoding/,
    'int(1),http_date(0,h)': /not a unit of time/,
    'int(1),set-var(txn.a,never)': /unknown condition 'never'/,
    'int(1),add(x)': /neither an integer nor a variable name/,
    'int(1),add(x.y)': /must start with its scope/,
    'str(a),concat(a,b,c)': /must start with its scope/,
    'str(a),add_item(;)': /needs a variable or a suffix/,
    'str(a),mqtt_field_value(publish,3)': /'publish' is no MQTT packet that is read/,
    'str(a),mqtt_field_value(connack,username)': /'username' is no field of CONNACK/,
    'str(a),fix_tag_value(Nothing)': /'Nothing' is no FIX tag/,
  }
  for (const [text, reason] of Object.entries(wrong)) {
    const context = compileContext()
    assert.equal(compileExpression(word(text), context), undefined, text)
    assert.match(complaints(context)[0] ?? '', reason, text)
  }
})

test('variables are stored, and what cannot be stored fails', () => {
  const context = compileContext()
  const stream = testStream()
  const store = (text: string) => compileExpression(word(text), context)?.evaluate(stream)
  assert.deepEqual(store('str(a),set-var(txn.x)'), str('a'))
  assert.deepEqual(stream.variables('txn')?.get('x'), str('a'))
  assert.equal(store('str(b),set-var(txn.x,ifnotexists)'), undefined)
  assert.equal(store('str(b),set-var(res.x)'), undefined)
  assert.deepEqual(store('str(b),unset-var(txn.x)'), str('b'))
  assert.equal(stream.variables('txn')?.get('x'), undefined)
  assert.equal(store('str(b),unset-var(res.x)'), undefined)
  assert.deepEqual(context.variableNames.list(), ['res.x', 'txn.x'])
})

test('lines of maps: comments, blanks around values, empty values', () => {
  const files = { m: '# c\n\n a\t one two \r\nb\n#a no\nregex(.) \\1\\x21\n' }
  assert.deepEqual(evaluate('str(a),map(m)', files), str('one two'))
  assert.deepEqual(evaluate('str(b),map(m)', files), str(''))
  assert.equal(evaluate('str(c),map(m)', files), undefined)
  assert.deepEqual(evaluate('str(c),map(m,d)', files), str('d'))
  assert.deepEqual(evaluate('str(regexZ),map_regm(m)', files), str('Z!'))
})

test('a cipher gives its text for the right tag only', () => {
  // NIST, AES-GCM test case 2: key, nonce and text of zeros.
  const text = (tag: string) =>
    `bin(0388dace60b6a392f328c2b971b2fe78),aes_gcm_dec(128,AAAAAAAAAAAAAAAA,${zeros},${tag})`
  const zeros = 'AAAAAAAAAAAAAAAAAAAAAA=='
  assert.deepEqual(evaluate(text('q25H1CzsE731OmeyEle93w==')), bin(Buffer.alloc(16)))
  assert.equal(evaluate(text(zeros)), undefined)
  assert.equal(evaluate(text('AAAA')), undefined)
})
