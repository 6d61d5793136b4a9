import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const soak = fileURLToPath(new URL('../../bench/soak.js', import.meta.url))

// The bars on memory and stalls hold for half an hour on a quiet machine (npm run soak); here only the counting.
test(
  'a short soak: every NOTIFY at half load is answered once',
  { skip: process.platform !== 'linux' },
  () => {
    const { stdout, stderr } = spawnSync(process.execPath, [soak, '--seconds', '4'], { encoding: 'utf8' })
    const line = stdout.split('\n').find((each) => each.includes('NOTIFYs, ')) ?? ''
    assert.match(line, /^ok .* 0 in flight, 0 wrong, 0 connections lost$/, `${stdout}${stderr}`)
  },
)
