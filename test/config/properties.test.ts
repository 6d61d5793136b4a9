/** Whatever the text is: a model and diagnostics, never an exception, and places that exist. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { configFaults, keywords, parseConfig, parseSpoeFile } from '#src/config/index.js'
import type { Diagnostic } from '#src/config/index.js'

const codes = new Set<string>(Object.keys(configFaults))

function checkDiagnostics(text: string, diagnostics: readonly Diagnostic[]): void {
  const lines = text.split('\n')
  for (const { code, place, message } of diagnostics) {
    assert.ok(codes.has(code), code)
    assert.ok(place.line >= 1 && place.line <= Math.max(1, lines.length), `${message}: line ${place.line}`)
    assert.ok(place.column >= 1, `${message}: column ${place.column}`)
    assert.notEqual(message, '')
  }
}

function check(text: string): void {
  const env = { A: 'a value', HOME: '/root' }
  checkDiagnostics(text, parseConfig({ file: 'f', text, env }).diagnostics)
  checkDiagnostics(text, parseSpoeFile(text, 'f', env).diagnostics)
  checkDiagnostics(text, parseSpoeFile(text, 'f', env, 'x').diagnostics)
}

test('any text is read', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), check), { numRuns: 500 })
})

const sections =
  'global defaults frontend backend listen fcgi-app spoe-agent spoe-message spoe-group [x] from no default'
const operators = 'if unless { } ! or .if .else .endif'
const values = `x y 1 10s -1 http tcp src :80 192.0.2.1:80 /x set-var(txn.a) " ' \\ # "$A" "\${A[*]}" "\${B-c}" "" status
string content-type a=b`

const pieces = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...keywords.map(({ name }) => name)) },
  { weight: 2, arbitrary: fc.constantFrom(...`${sections} ${operators}`.split(' ')) },
  { weight: 3, arbitrary: fc.constantFrom(...values.split(/\s+/)) },
  { weight: 1, arbitrary: fc.string({ maxLength: 6 }) },
)

test('any arrangement of known words is read', () => {
  const line = fc.array(pieces, { minLength: 1, maxLength: 6 }).map((words) => words.join(' '))
  const text = fc.array(line, { maxLength: 30 }).map((lines) => `${lines.join('\n')}\n`)
  fc.assert(fc.property(text, check), { numRuns: 1000 })
})

test('reading again gives the same', () => {
  const line = fc.array(pieces, { minLength: 1, maxLength: 6 }).map((words) => words.join(' '))
  const text = fc.array(line, { maxLength: 10 }).map((lines) => `listen l\n${lines.join('\n')}\n`)
  fc.assert(
    fc.property(text, (each) => {
      assert.deepEqual(parseConfig({ file: 'f', text: each }), parseConfig({ file: 'f', text: each }))
    }),
    { numRuns: 100 },
  )
})
