import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Schedule, type Stage } from '#src/load/schedule.js'

const cases: readonly (readonly [
  name: string,
  stages: readonly Stage[],
  times: readonly (readonly [number, number])[],
  total: number,
])[] = [
  [
    'one rate',
    [{ duration: 1000, from: 100, to: 100 }],
    [
      [0, 0],
      [1, 10],
      [99, 990],
      [100, Infinity],
    ],
    100,
  ],
  [
    'two rates',
    [
      { duration: 1000, from: 10, to: 10 },
      { duration: 500, from: 1000, to: 1000 },
    ],
    [
      [9, 900],
      [10, 1000],
      [11, 1001],
      [509, 1499],
      [510, Infinity],
    ],
    510,
  ],
  [
    // The area under the rate: after t seconds t * t * 50 are due.
    'from nothing to 100 a second',
    [{ duration: 1000, from: 0, to: 100 }],
    [
      [0, 0],
      [2, 200],
      [8, 400],
      [32, 800],
    ],
    50,
  ],
  [
    'down to nothing',
    [{ duration: 1000, from: 100, to: 0 }],
    [
      [0, 0],
      [18, 200],
      [42, 600],
    ],
    50,
  ],
  [
    'one in two seconds',
    [{ duration: 10_000, from: 0.5, to: 0.5 }],
    [
      [0, 0],
      [1, 2000],
      [4, 8000],
    ],
    5,
  ],
]

for (const [name, stages, times, total] of cases) {
  test(`${name}: each exchange has its time`, () => {
    const schedule = new Schedule(stages)
    for (const [number, time] of times) {
      const found = schedule.timeOf(number)
      assert.ok(found === time || Math.abs(found - time) < 1e-6, `${number}: ${found}, wanted ${time}`)
    }
    assert.equal(schedule.total, total)
    assert.equal(
      schedule.duration,
      stages.reduce((sum, stage) => sum + stage.duration, 0),
    )
  })
}
