import assert from 'node:assert/strict'
import { performance } from 'node:perf_hooks'
import { after, test } from 'node:test'
import { Deadlines } from '#src/base/deadlines.js'
import type { Expiring } from '#src/base/deadlines.js'
import { LaneDeadline } from '#src/base/lane-deadline.js'

const made: Deadlines<Expiring>[] = []
after(() => {
  for (const lanes of made) lanes.clear()
})

/** A deadline in new lanes, and when it is missed: milliseconds since the start. */
function begin(): { deadline: LaneDeadline; missed: Promise<number>; start: number; count: () => number } {
  const lanes = new Deadlines<Expiring>((item) => item.expire(), true)
  made.push(lanes)
  const start = performance.now()
  let count = 0
  let tell: (time: number) => void
  const missed = new Promise<number>((resolve) => {
    tell = resolve
  })
  const onDeadline = (): void => {
    count++
    tell(performance.now() - start)
  }
  return { deadline: new LaneDeadline(lanes, { onDeadline }), missed, start, count: () => count }
}

type Armed = readonly [timeout: number, after: number]

/** Each with the time at which it is missed. */
const cases: readonly (readonly [name: string, armed: readonly Armed[], at: number])[] = [
  ['that is armed', [[20, 0]], 20],
  [
    'that is moved on',
    [
      [10, 0],
      [10, 15],
      [10, 30],
    ],
    40,
  ],
  [
    'that is moved back',
    [
      [10_000, 0],
      [10, 5],
    ],
    15,
  ],
  [
    'that is moved back, then far on',
    [
      [10_000, 0],
      [5, 0],
      [40, 2],
    ],
    42,
  ],
]

for (const [name, armed, at] of cases) {
  test(`a deadline ${name} is missed once, not before its time`, async () => {
    const { deadline, missed, start, count } = begin()
    for (const [timeout, after] of armed) deadline.arm(timeout, start + after)
    const time = await missed
    assert.ok(time >= at - 1.5, `${time} of ${at} ms`)
    assert.equal(count(), 1)
    assert.equal(deadline.lane, undefined)
  })
}

test('one that is disarmed, stopped, or waits for ever is not missed, and can be armed again', async () => {
  const { deadline, missed, start, count } = begin()
  const end = begin()
  deadline.arm(5, start)
  deadline.disarm()
  end.deadline.arm(30, end.start)
  await end.missed
  assert.deepEqual([count(), deadline.lane], [0, undefined], 'its place was looked at in vain')
  deadline.arm(5, performance.now())
  deadline.stop()
  assert.equal(deadline.lane, undefined)
  deadline.arm(undefined, performance.now())
  deadline.arm(2 ** 40, performance.now())
  assert.equal(deadline.lane, undefined, 'longer than a timer takes')
  deadline.arm(5, performance.now())
  await missed
  assert.equal(count(), 1)
})
