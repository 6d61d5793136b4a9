import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { formatKeywordPage, keywords, parseConfig } from '#src/config/index.js'

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
    assert.match(since, /^\d\.\d$/, name)
  }
})

test('docs/keywords.md is what the registry says', () => {
  const page = formatKeywordPage()
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync('docs/keywords.md', page)
  else assert.equal(readFileSync('docs/keywords.md', 'utf8'), page)
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
