/** The examples of docs/testing-your-agent.md run as they stand there. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const page = readFileSync('docs/testing-your-agent.md', 'utf8')
const blocks = [...page.matchAll(/```js\n\/\/ (\S+)\n([\s\S]*?)```/g)].map(([, name = '', code = '']) => ({
  name,
  code,
}))

test('every example runs', async (t) => {
  assert.deepEqual(
    blocks.map(({ name }) => name),
    [
      'agent.mjs',
      'driver.test.mjs',
      'peer.test.mjs',
      'pair.test.mjs',
      'replay.test.mjs',
      'conformance.test.mjs',
    ],
  )
  mkdirSync('.build', { recursive: true })
  // Inside the package, so that it is found by its own name.
  const folder = mkdtempSync(join('.build', 'examples-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const { name, code } of blocks) writeFileSync(join(folder, name), code)
  const files = blocks.filter(({ name }) => name.endsWith('.test.mjs')).map(({ name }) => join(folder, name))
  const env = { ...process.env }
  delete env['NODE_TEST_CONTEXT'] // it would make the children report to this run
  const { failed, output } = await new Promise<{ failed: boolean; output: string }>((resolve) => {
    execFile(process.execPath, ['--test', ...files], { env }, (error, stdout, stderr) => {
      resolve({ failed: error !== null, output: stdout + stderr })
    })
  })
  assert.equal(failed, false, output)
})

test('docs/probe.md has every rule of the checklist, and no other', async () => {
  const { checklist } = await import('sluice/testing')
  const rows = [...readFileSync('docs/probe.md', 'utf8').matchAll(/^\| ([AW]\d+) \|/gm)].map(([, id]) => id)
  assert.deepEqual(rows, [...checklist.keys()])
})
