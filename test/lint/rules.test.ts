/** What each rule finds, and what it leaves alone. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSubject, lint, lintRules, parseBranch, spoeScopes } from '#src/lint/index.js'
import { lintCases, textsOf, type LintCase } from './cases.ts'

/** The codes that the rules find, sorted. */
function findings(each: LintCase, alone: boolean): string[] {
  const { config, spoe } = textsOf(each)
  const file = { file: 'waf.conf', text: spoe }
  const subject = createSubject({
    configuration: alone ? [] : [{ file: 'haproxy.cfg', text: config }],
    spoeFiles: alone ? [{ ...file, scopes: spoeScopes(file) }] : [],
    env: {},
    agentDeadline: each.deadline,
    branch: each.branch === undefined ? undefined : parseBranch(each.branch),
    readSpoeFile: (name) => (name === 'waf.conf' ? spoe : undefined),
  })
  return lint(subject, true)
    .map(({ code }) => code)
    .sort()
}

for (const each of lintCases) {
  test(`${each.what}: ${each.codes.join(', ') || 'nothing'}`, () => {
    assert.deepEqual(findings(each, false), [...each.codes].sort())
  })
}

test('a SPOE file alone has the findings of the rules that need no configuration', () => {
  const needsConfig = new Set(lintRules.flatMap((rule) => (rule.needsConfig ? [rule.code] : [])))
  for (const each of lintCases) {
    // What the configuration says, such as the size of its buffers, is not known.
    if (each.config !== undefined) continue
    const wanted = each.codes.filter((code) => !needsConfig.has(code)).sort()
    assert.deepEqual(findings(each, true), wanted, each.what)
  }
})

test("'mode spop' needs no option spop-check, says itself what it ignores, and is too new for 2.6", () => {
  const base = lintCases.find(({ what }) => what === 'keywords that 3.1 dropped') ?? assert.fail()
  const config = [['  mode tcp\n  option spop-check\n', '  mode spop\n']] as const
  assert.deepEqual(findings({ ...base, config }, false), [])
  assert.deepEqual(findings({ what: 'it', codes: [], config, branch: '2.6' }, false), [
    'LINT_KEYWORD_TOO_NEW',
  ])
})

test('every rule has a case', () => {
  const seen = new Set(lintCases.flatMap(({ codes }) => codes))
  assert.deepEqual([...seen].sort(), lintRules.map(({ code }) => code).sort())
})

test('nothing is said to be missing when something could not be read', () => {
  const absence = new Set(lintRules.flatMap((rule) => (rule.findsAbsence === true ? [rule.code] : [])))
  for (const each of lintCases.filter(({ codes }) => codes.some((code) => absence.has(code)))) {
    const { config, spoe } = textsOf(each)
    const subject = createSubject({
      configuration: [{ file: 'haproxy.cfg', text: config }],
      spoeFiles: [],
      env: {},
      agentDeadline: undefined,
      branch: undefined,
      readSpoeFile: () => spoe,
    })
    const codes = lint(subject, false).map(({ code }) => code)
    assert.ok(!codes.some((code) => absence.has(code)), each.what)
  }
})
