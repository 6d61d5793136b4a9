import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { UsageError } from 'sluice'
import { createEngine, engineFaults } from 'sluice/engine'

const page = readFileSync('docs/engine.md', 'utf8')

test('docs/engine.md has every option', () => {
  const table = page.split('## Options')[1]?.split('\n## ')[0] ?? ''
  const written = [...table.matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1])
  assert.throws(
    () => createEngine({ servers: ['a:1'], nothing: 1 } as { servers: string[] }),
    (error) => error instanceof UsageError && error.message.endsWith(`known are ${written.join(', ')}`),
  )
})

test('the statuses in docs/errors.md are those of the catalogue', () => {
  const errors = readFileSync('docs/errors.md', 'utf8')
  for (const [code, { status }] of Object.entries(engineFaults)) {
    assert.ok(errors.includes(`| \`${code}\` | ${status} |`), code)
  }
})

test('the example of docs/engine.md does what it says', async () => {
  const example = /```js\n([\s\S]*?)```/.exec(page)?.[1] ?? ''
  mkdirSync('.build/docs', { recursive: true })
  // Any free port instead of the one that people read.
  const code = example
    .replace("await agent.listen('127.0.0.1:12345')", "const { port } = await agent.listen('127.0.0.1:0')")
    .replace("'127.0.0.1:12345'", '`127.0.0.1:${port}`')
  writeFileSync('.build/docs/engine.mjs', code)
  const { stdout } = await promisify(execFile)(process.execPath, ['.build/docs/engine.mjs'])
  assert.equal(stdout, 'the score is 10\n')
})
