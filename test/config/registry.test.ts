import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { balanceAlgorithms, formatKeywordPage, keywords, parseConfig } from '#src/config/index.js'
import type { BalanceAlgorithm } from '#src/config/index.js'
import { implementedAlgorithms } from '#src/config/keywords/balance.js'

test('no keyword has two entries for one section', () => {
  const seen = new Set<string>()
  for (const { name, sections } of keywords) {
    for (const section of sections) {
      assert.ok(!seen.has(`${section} ${name}`), `${section} ${name}`)
      seen.add(`${section} ${name}`)
    }
  }
  assert.ok(seen.size > 1000, `${seen.size} entries`)
})

test('every implemented keyword is documented', () => {
  for (const { name, support, doc, since } of keywords) {
    if (support !== 'yes') continue
    assert.match(doc, /^\S.*[^.]$/, name)
    assert.match(since, /^(\d\.\d|sluice)$/, name)
  }
})

test('docs/keywords.md is what the registry says', () => {
  const page = formatKeywordPage()
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync('docs/keywords.md', page)
  else assert.equal(readFileSync('docs/keywords.md', 'utf8'), page)
})

test('docs/proxy.md and the registry agree about what is not there', () => {
  const page = readFileSync('docs/proxy.md', 'utf8')
  const missing = page.slice(page.indexOf('## What is not there'))
  const named = [...missing.matchAll(/`([^`]+)`/g)].map((each) => each[1] ?? '')
  assert.ok(named.length > 5, missing)
  const obeyed = new Set(keywords.filter(({ support }) => support === 'yes').map(({ name }) => name))
  const known = new Set<string>([...keywords.map(({ name }) => name), ...balanceAlgorithms])
  for (const name of named) {
    assert.ok(known.has(name), `'${name}' is no keyword`)
    assert.ok(!obeyed.has(name) && !implementedAlgorithms.has(name as BalanceAlgorithm), `'${name}' is there`)
  }
  // What is read and kept and not obeyed is the kind that a reader would take for obeyed.
  const kept = keywords.filter(({ doc, support }) => doc !== '' && support === 'no').map(({ name }) => name)
  for (const name of kept.filter((each) => each !== 'maxconnrate')) assert.ok(named.includes(name), name)
})

test('a keyword that is not implemented is told from one that does not exist', () => {
  for (const { name, sections, support } of keywords) {
    const [section] = sections
    if (
      support === 'yes' ||
      section === undefined ||
      !['global', 'frontend', 'listen', 'backend'].includes(section)
    ) {
      continue
    }
    const head = section === 'global' ? 'global' : `${section} x`
    const { diagnostics } = parseConfig({ file: 'f', text: `${head}\n ${name} 1 2\n` })
    const codes = diagnostics.filter(({ place }) => place.line === 2).map(({ code }) => code)
    assert.ok(!codes.includes('CFG_KEYWORD_UNKNOWN'), `${name}: ${codes.join()}`)
  }
})
