/** Whatever stands in the files, the rules come to an end, and each finding has a place in one of them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { asHaproxySees, createSubject, isSpoeText, lint, lintRules, spoeScopes } from '#src/lint/index.js'
import { parseConfig, type Diagnostic } from '#src/config/index.js'
import { cleanConfig, cleanSpoe, lintCases, textsOf } from './cases.ts'

const lines = [
  ...new Set(lintCases.map(textsOf).flatMap(({ config, spoe }) => `${config}${spoe}`.split('\n'))),
]
const words = [...new Set(lines.flatMap((line) => line.trim().split(' ')))]

/** A file with lines of other files in it, and words of other lines. */
const mutated = (text: string): fc.Arbitrary<string> => {
  const own = text.split('\n')
  const at = fc.nat(own.length - 1)
  const line = fc.oneof(
    fc.constantFrom(...lines),
    fc.array(fc.constantFrom(...words), { maxLength: 8 }).map((each) => `  ${each.join(' ')}`),
    fc.string({ maxLength: 40 }).map((each) => each.replaceAll('\n', ' ')),
  )
  return fc.array(fc.record({ at, line, remove: fc.nat(3) }), { minLength: 1, maxLength: 6 }).map((edits) => {
    const result = [...own]
    for (const edit of edits) result.splice(edit.at, edit.remove, edit.line)
    return `${result.join('\n')}\n`
  })
}

function checkPlaces(list: readonly Diagnostic[], texts: Readonly<Record<string, string>>): void {
  for (const { place, message } of list) {
    const line = texts[place.file]?.split('\n')[place.line - 1]
    assert.ok(line !== undefined, `${place.file}:${place.line}`)
    // What is missing is missing behind a blank at the end.
    assert.ok(
      place.column >= 1 && place.column <= line.length + 2,
      `${message}: ${place.column} of '${line}'`,
    )
  }
}

test('any lines', () => {
  fc.assert(
    fc.property(mutated(cleanConfig), mutated(cleanSpoe), (config, spoe) => {
      const file = { file: 'waf.conf', text: spoe }
      const shared = { env: {}, agentDeadline: 100, branch: undefined, readSpoeFile: () => spoe }
      const hosted = createSubject({
        ...shared,
        configuration: [{ file: 'haproxy.cfg', text: config }],
        spoeFiles: [],
      })
      const alone = createSubject({
        ...shared,
        configuration: [],
        spoeFiles: [{ ...file, scopes: spoeScopes(file) }],
      })
      // A filter may name a file of any name, which is this one all the same.
      const texts = new Proxy<Record<string, string>>(
        {},
        { get: (_, name) => (name === 'haproxy.cfg' ? config : spoe) },
      )
      for (const subject of [hosted, alone]) checkPlaces(lint(subject, true), texts)
      const { diagnostics } = parseConfig({ file: 'haproxy.cfg', text: config })
      checkPlaces(asHaproxySees(diagnostics, hosted, 206), texts)
      asHaproxySees(diagnostics, hosted, 302)
    }),
    { numRuns: 300 },
  )
})

test('a file is told by what it holds', () => {
  assert.ok(isSpoeText(cleanSpoe))
  assert.ok(!isSpoeText(cleanConfig))
  assert.ok(!isSpoeText(`${cleanConfig}${cleanSpoe}`))
  assert.ok(!isSpoeText('# [waf]\nfrontend x\n'))
  assert.ok(isSpoeText('  [waf] # the only one\n'))
  assert.ok(isSpoeText('spoe-agent x\n'))
  assert.ok(!isSpoeText(''))
  assert.ok(lintRules.length > 20)
})
