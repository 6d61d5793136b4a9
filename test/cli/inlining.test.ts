/** What the command tells V8 must be known to it: it complains on standard output. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { it } from 'node:test'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(import.meta.resolve('#src/cli/main.js'))

function run(...args: readonly string[]): { readonly stdout: string; readonly stderr: string } {
  return spawnSync(process.execPath, args, { encoding: 'utf8' })
}

it('tells V8 a flag that this line of Node.js knows, and prints nothing of it', () => {
  const tap = `
    import v8 from 'node:v8'
    import { syncBuiltinESMExports } from 'node:module'
    v8.setFlagsFromString = (flag) => console.error(flag)
    syncBuiltinESMExports()`
  const told = run('--import', `data:text/javascript,${encodeURIComponent(tap)}`, main, '--version').stderr
  const [, name = 'nothing was told'] = /^(--[a-z-]+)=\d+\n$/.exec(told) ?? []
  assert.match(run('--v8-options').stdout, new RegExp(`${name} `))
  const { stdout, stderr } = run(main, '--version')
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/)
  assert.equal(stderr, '')
})
