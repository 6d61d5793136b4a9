/**
 * What `sluice check` and `sluice types` accept and refuse is HAProxy's verdict: SPOE files, each through `haproxy -c`, the
 * check of the configuration that names it, and `types`, which sees nothing but the file.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { examine } from '#src/cli/check.js'
import { generateTypes } from '#src/cli/types.js'
import { findHaproxy, skipWithoutHaproxy } from '../support/haproxy.ts'
import { spoeFiles } from './spoe-file-cases.ts'

const skip = skipWithoutHaproxy()

const config = `
defaults
  mode http
  timeout connect 1s
  timeout client 1s
  timeout server 2s
frontend fe
  bind 127.0.0.1:1
  filter spoe engine eng config spoe.conf
  default_backend web
backend web
  server s 127.0.0.1:2
backend agents
  mode tcp
  server a 127.0.0.1:3
`

/** What the file alone does not tell: the backends, `tune.bufsize`, and other files. */
const elsewhere = [
  'unknown backend',
  'backend mode http',
  'max-frame-size bufsize',
  'anonymous acl file missing',
]

const dir = mkdtempSync(join(tmpdir(), 'spoe-files-'))
const before = process.cwd()
process.chdir(dir)
after(() => {
  process.chdir(before)
  rmSync(dir, { recursive: true })
})
writeFileSync('haproxy.cfg', config)

/** Complaints of `types` are printed; here they would be read as a result of the test. */
function refusedByTypes(text: string): boolean {
  const write = process.stderr.write.bind(process.stderr)
  process.stderr.write = () => true
  try {
    return generateTypes(text, 'spoe.conf', 'eng').failed
  } finally {
    process.stderr.write = write
  }
}

for (const [name, text] of Object.entries(spoeFiles)) {
  test(name, { skip }, () => {
    writeFileSync('spoe.conf', text)
    const { status, stderr } = spawnSync(findHaproxy() ?? '', ['-c', '-f', 'haproxy.cfg'], {
      encoding: 'utf8',
    })
    const refused = status !== 0
    const found = examine(['haproxy.cfg'], { for: 'haproxy' }).filter(({ severity }) => severity === 'error')
    assert.equal(found.length > 0, refused, `check says ${JSON.stringify(found)}, HAProxy ${stderr}`)
    if (!elsewhere.includes(name))
      assert.equal(refusedByTypes(text), refused, `types; HAProxy says ${stderr}`)
  })
}
