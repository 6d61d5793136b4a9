/** The short form of `npm run fuzz -- --target fcgi-client` and `fcgi-responder`. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

for (const [end, what] of [
  ['client', 'ERR_FCGI_HEADERS'],
  ['responder', 'END_REQUEST 0'],
] as const) {
  test(`the ${end} takes records of a fuzzer, in pieces: every request has one end, and nothing stays`, () => {
    const args = ['scripts/fuzz.mjs', '--target', `fcgi-${end}`, '--frames', '10000', '--seed', '1', '--json']
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    assert.equal(status, 0, stderr)
    const { accepted, codes } = JSON.parse(stdout) as { accepted: number; codes: Record<string, number> }
    assert.ok(accepted > 150 && (codes[what] ?? 0) > 50, stdout)
  })
}
