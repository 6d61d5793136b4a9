/** What the command tells V8 must be known to it: it complains on standard output. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { it } from 'node:test'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(import.meta.resolve('#src/cli/main.js'))

it('the flag is known to this line of Node.js, and nothing but the version is printed', () => {
  assert.match(
    execFileSync(process.execPath, ['--v8-options'], { encoding: 'utf8' }),
    /--max-inlined-bytecode-size-cumulative /,
  )
  assert.match(execFileSync(process.execPath, [main, '--version'], { encoding: 'utf8' }), /^\d+\.\d+\.\d+\n$/)
})
