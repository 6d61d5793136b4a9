import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { watchFile } from '#src/base/file-watch.js'

test('a file whose folder is not there yet is noticed when it comes', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'watch-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const path = join(dir, 'later', 'file')
  const errors: Error[] = []
  // Looking keeps no process alive.
  const alive = setInterval(() => {}, 1000)
  t.after(() => clearInterval(alive))
  await new Promise<void>((resolve) => {
    const watcher = watchFile(path, resolve, (error) => void errors.push(error), 20)
    t.after(() => watcher.close())
    // Looked at once before it is there: that is what it is compared with.
    setTimeout(() => {
      mkdirSync(join(dir, 'later'))
      writeFileSync(path, 'x')
    }, 200)
  })
  assert.deepEqual(errors, [])
})
