import assert from 'node:assert/strict'
import { test } from 'node:test'
import { monotonic, turnDate, turnTime, wallClock } from '#src/base/clock.js'

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

test('a turn has one time, and the next one has another', async () => {
  const [time, date] = [turnTime(), turnDate()]
  assert.ok(Math.abs(time - monotonic()) < 1000 && Math.abs(date - wallClock()) < 1000)
  const busyUntil = monotonic() + 5
  while (monotonic() < busyUntil);
  assert.deepEqual([turnTime(), turnDate()], [time, date])
  await new Promise(setImmediate)
  assert.ok(turnTime() >= time + 5 && turnDate() >= date)
})
