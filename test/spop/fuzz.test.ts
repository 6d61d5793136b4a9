/** The short form of `npm run fuzz`. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

const fuzz = (...args: string[]) =>
  spawnSync(process.execPath, ['scripts/fuzz.mjs', ...args], { encoding: 'utf8' })

test('a few thousand frames give values or coded errors, and leave no memory behind', () => {
  const { status, stdout, stderr } = fuzz('--frames', '8000', '--seed', '1', '--json')
  assert.equal(status, 0, stderr)
  const result = JSON.parse(stdout) as { frames: number; accepted: number; codes: Record<string, number> }
  assert.equal(result.frames, 8000)
  assert.ok(result.accepted > 1000, `${result.accepted} accepted`)
  for (const code of [
    'TRUNCATED',
    'INVALID_FRAME',
    'FRAME_TOO_BIG',
    'VARINT',
    'DATA_TYPE',
    'FRAGMENTATION',
  ]) {
    assert.ok((result.codes[`ERR_SPOP_${code}`] ?? 0) > 0, `no ERR_SPOP_${code}`)
  }
})

test('the same seed gives the same frames', () => {
  const [first, second] = ['7', '7'].map((seed) => {
    const { accepted, codes } = JSON.parse(
      fuzz('--frames', '500', '--seed', seed, '--json').stdout,
    ) as Record<string, unknown>
    return { accepted, codes }
  })
  assert.deepEqual(first, second)
})

test('wrong arguments are refused', () => {
  assert.match(fuzz('--frames', 'many').stderr, /are numbers/)
  const { status, stderr } = fuzz('--target', 'nothing')
  assert.equal(status, 1)
  assert.match(stderr, /--target is one of .*codec/)
})
