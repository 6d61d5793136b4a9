/** The short form of `npm run fuzz -- --target agent`. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

test('an agent takes frames of a fuzzer: only frames come back, nothing stays in flight, only coded errors', () => {
  const args = ['scripts/fuzz.mjs', '--target', 'agent', '--frames', '20000', '--seed', '1', '--json']
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  const { accepted, codes } = JSON.parse(stdout) as { accepted: number; codes: Record<string, number> }
  assert.ok(accepted > 1000, stdout)
  assert.ok(codes['ERR_SPOP_INVALID_FRAME'] !== undefined && codes['ERR_AGENT_HANDLER'] !== undefined, stdout)
})
