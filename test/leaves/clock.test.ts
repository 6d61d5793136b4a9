import assert from 'node:assert/strict'
import { test } from 'node:test'
import { monotonic, wallClock } from '#src/base/clock.js'

test('the monotonic clock never goes back; the wall clock is that of everybody', () => {
  let last = monotonic()
  for (let count = 0; count < 1000; count++) {
    const now = monotonic()
    assert.ok(now >= last)
    last = now
  }
  const before = Date.now()
  const now = wallClock()
  assert.ok(now >= before && now <= Date.now())
})
