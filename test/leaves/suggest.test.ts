import assert from 'node:assert/strict'
import { test } from 'node:test'
import { editDistance, suggest } from '#src/base/suggest.js'

test('edit distance counts insertions, removals, replacements and swaps', () => {
  assert.equal(editDistance('', ''), 0)
  assert.equal(editDistance('', 'abc'), 3)
  assert.equal(editDistance('mode', 'mode'), 0)
  assert.equal(editDistance('mdoe', 'mode'), 1)
  assert.equal(editDistance('modes', 'mode'), 1)
  assert.equal(editDistance('node', 'mode'), 1)
  assert.equal(editDistance('kitten', 'sitting'), 3)
})

test('only near words are suggested', () => {
  const known = ['mode', 'bind', 'server', 'default-server', 'use_backend']
  assert.equal(suggest('sevrer', known), 'server')
  assert.equal(suggest('defaultserver', known), 'default-server')
  assert.equal(suggest('use-backend', known), 'use_backend')
  assert.equal(suggest('x', known), undefined)
  assert.equal(suggest('acl', known), undefined)
  assert.equal(suggest('y'.repeat(100_000), known), undefined)
})
