/** docs/replay.md says what is so, and its example runs. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { UsageError } from 'sluice'
import { createEngine } from 'sluice/engine'
import { createRecorder, replay } from 'sluice/recording'

const page = readFileSync('docs/replay.md', 'utf8')

const optionsIn = (title: string): string[] => {
  const table = page.split(`## ${title}\n`)[1]?.split('\n## ')[0] ?? ''
  return [...table.matchAll(/^\|[^|]*\| `(\w+)` \|/gm)].map(([, name = '']) => name)
}

const known = (names: readonly string[]) => (error: unknown) =>
  error instanceof UsageError && error.message.endsWith(`known are ${names.join(', ')}`)

test('it has every option', async () => {
  const wrong = { nothing: 1 } as object
  assert.throws(() => createRecorder('/nowhere/x', wrong), known(optionsIn('Recording')))
  const engine = createEngine({ servers: ['a:1'] })
  await assert.rejects(replay([], engine, wrong), known(optionsIn('Replaying')))
  await engine.close()
})

test('the example does what it says', async (t) => {
  const example = /```js\n([\s\S]*?)```/.exec(page)?.[1] ?? ''
  const dir = '.build/docs/replay'
  rmSync(dir, { recursive: true, force: true })
  mkdirSync(dir, { recursive: true })
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  // Sockets of its own instead of the ports that people read.
  const code = example.replaceAll(/'127\.0\.0\.1:1234(\d)'/g, "'unix@./$1.sock'")
  writeFileSync(`${dir}/example.mjs`, code)
  const { stdout } = await promisify(execFile)(process.execPath, ['example.mjs'], { cwd: dir })
  assert.equal(stdout, 'check sess.score int64 10 int64 90 1\n')
})
