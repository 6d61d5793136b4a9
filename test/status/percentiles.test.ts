/** Percentiles, by values that PromQL's histogram_quantile gives for the same buckets. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { countsSince, percentile, percentiles, sumCounts } from '#src/status/percentiles.js'

const bounds = [1, 2, 5, 10]

const rows: readonly (readonly [counts: number[], q: number, value: number | undefined])[] = [
  [[0, 0, 0, 0, 0], 0.5, undefined],
  [[10, 0, 0, 0, 0], 0.5, 0.5],
  [[10, 10, 0, 0, 0], 0.5, 1],
  [[10, 10, 0, 0, 0], 0.75, 1.5],
  [[0, 0, 10, 0, 0], 0.5, 3.5],
  [[0, 0, 10, 0, 0], 0.99, 4.97],
  [[50, 30, 15, 4, 1], 0.99, 10],
  [[50, 30, 15, 4, 1], 0.95, 5],
  [[0, 0, 0, 0, 7], 0.5, 10],
  [[1, 0, 0, 0, 0], 0.999, 0.999],
]

for (const [counts, q, value] of rows) {
  it(`${q} of ${counts.join()} is ${value}`, () => {
    const found = percentile(counts, bounds, q)
    if (value === undefined || found === undefined) assert.equal(found, value)
    else assert.ok(Math.abs(found - value) < 1e-9, String(found))
  })
}

it('all four come together, or none', () => {
  assert.deepEqual(percentiles([0, 0, 0, 0, 0], bounds), undefined)
  assert.equal(percentiles([1, 0, 0, 0, 0], bounds)?.length, 4)
})

it('counts since then are differences, and those of a new process are as they are', () => {
  const before = { counts: [1, 2], sum: 3, count: 3 }
  assert.deepEqual(countsSince({ counts: [4, 2], sum: 9, count: 6 }, before), [3, 0])
  assert.deepEqual(countsSince({ counts: [1, 0], sum: 1, count: 1 }, before), [1, 0])
  assert.deepEqual(countsSince({ counts: [1, 0], sum: 1, count: 1 }, undefined), [1, 0])
  assert.deepEqual(
    sumCounts([
      [1, 2],
      [3, 4],
    ]),
    [4, 6],
  )
})
