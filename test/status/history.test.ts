/** Points and the figures of the last minute, made of snapshots a second apart. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { History, mostPoints } from '#src/status/history.js'
import { row, snapshotOf, still } from './support.ts'

const start = Date.parse('2026-11-26T03:00:00Z')

describe('points', () => {
  it('tell what came in their second, by row and by verdict', () => {
    const history = new History()
    history.add(start, snapshotOf([row('a', 0)]), 0)
    assert.deepEqual(history.points, [])
    const first = [
      row('a', 40, { verdicts: { allow: 30, deny: 10 }, failures: { errors: 2, deadlines: 1, late: 5 } }),
      row('b', 10),
    ]
    history.add(start + 1000, snapshotOf(first), 0.25)
    const then = [
      row('a', 40, { verdicts: { allow: 30, deny: 10 }, failures: { errors: 2, deadlines: 1, late: 9 } }),
      row('b', 20, { latency: { counts: [10, 10, 0], sum: 60, count: 20 } }),
    ]
    history.add(start + 3000, snapshotOf(then), 0)
    const quick = [0.5, 0.9, 0.99, 0.999]
    assert.deepEqual(history.points, [
      {
        at: start / 1000 + 1,
        rate: 50,
        failures: 3,
        inFlight: 0,
        busy: 0.25,
        latency: quick,
        rows: [
          { rate: 40, latency: quick },
          { rate: 10, latency: quick },
        ],
        verdicts: [30, 10],
      },
      {
        at: start / 1000 + 3,
        rate: 5,
        failures: 0,
        inFlight: 0,
        busy: 0,
        latency: [5.5, 9.1, 9.91, 9.99],
        rows: [
          { rate: 0, latency: null },
          { rate: 5, latency: [5.5, 9.1, 9.91, 9.99] },
        ],
        verdicts: [0, 0],
      },
    ])
  })

  it('are kept for ten minutes, whatever comes', () => {
    const history = new History()
    for (let second = 0; second < mostPoints + 100; second++) {
      history.add(start + second * 1000, snapshotOf([row('a', second * 10_000)]), 0)
    }
    assert.equal(history.points.length, mostPoints)
    assert.equal(history.points.at(-1)?.rate, 10_000)
  })

  it('have the first 64 rows, and all of them in the sums', () => {
    const history = new History()
    const many = (count: number) => Array.from({ length: 100 }, (_, index) => row(`m${index}`, count))
    history.add(start, snapshotOf(many(0)), 0)
    history.add(start + 1000, snapshotOf(many(3)), 0)
    assert.equal(history.points[0]?.rows.length, 64)
    assert.equal(history.points[0]?.rate, 300)
    const state = history.stateOf(snapshotOf(many(3)), still)
    assert.deepEqual([state.rows.length, state.total.received], [64, 300])
  })
})

describe('the state', () => {
  it('has rates of ten seconds, and percentiles and shares of a minute', () => {
    const history = new History()
    let last = snapshotOf([])
    for (let second = 0; second <= 80; second++) {
      const received = second < 40 ? 0 : (second - 39) * 20
      last = snapshotOf([row('a', received, { verdicts: { allow: received } })], second / 2)
      history.add(start + second * 1000, last, 0)
    }
    const state = history.stateOf(last, still)
    assert.equal(state.total.rate, 20)
    assert.equal(state.process.cpu, 0.5)
    assert.deepEqual(
      state.total.latency?.map((each) => Number(each.toFixed(3))),
      [0.5, 0.9, 0.99, 0.999],
    )
    assert.deepEqual(state.verdicts, [{ value: 'allow', count: 820, share: 1 }])
    // Nothing for more than a minute: nothing to tell.
    for (let second = 81; second < 150; second++) history.add(start + second * 1000, last, 0)
    const later = history.stateOf(last, still)
    assert.deepEqual([later.total.rate, later.total.latency, later.total.received], [0, null, 820])
    assert.deepEqual(later.verdicts, [{ value: 'allow', count: 820, share: 0 }])
  })
})
