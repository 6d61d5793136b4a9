import assert from 'node:assert/strict'
import { test } from 'node:test'
import { watchFile } from '#src/base/file-watch.js'

test('a folder that cannot be watched is told, and ends nobody who watches', () => {
  const told: string[] = []
  const watcher = watchFile(
    '/nowhere/at/all/file',
    () => {},
    (error) => void told.push(error.message),
  )
  assert.equal(told.length, 1)
  assert.match(told[0] ?? '', /^ENOENT/)
  watcher.close()
})
