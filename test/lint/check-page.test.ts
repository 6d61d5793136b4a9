import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { formatCheckPage, lintRules } from '#src/lint/index.js'

test('docs/check.md has every rule of the registry', () => {
  const page = readFileSync('docs/check.md', 'utf8')
  const wanted = formatCheckPage(page)
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync('docs/check.md', wanted)
  else assert.equal(page, wanted)
})

test('every rule is described, and no code is used twice', () => {
  assert.equal(new Set(lintRules.map(({ code }) => code)).size, lintRules.length)
  for (const { code, doc, why, hint } of lintRules) {
    assert.match(code, /^LINT_[A-Z_]+$/)
    assert.match(doc, /^\S.*[^.]$/s, code)
    assert.match(hint, /^\S.*[^.]$/s, code)
    assert.match(why, /\.$/, code)
  }
})
