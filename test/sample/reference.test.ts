import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { renderSampleReference, sampleFaults } from '#src/sample/index.js'

const root = new URL('../../../', import.meta.url)

test('docs/samples.md is what the registries say (UPDATE_DOCS=1 writes it)', () => {
  const page = new URL('docs/samples.md', root)
  if (process.env['UPDATE_DOCS']) writeFileSync(page, renderSampleReference())
  assert.equal(readFileSync(page, 'utf8'), renderSampleReference())
})

test('docs/errors.md lists every code', () => {
  const text = readFileSync(new URL('docs/errors.md', root), 'utf8')
  for (const code of Object.keys(sampleFaults)) assert.ok(text.includes(`\`${code}\``), code)
})
