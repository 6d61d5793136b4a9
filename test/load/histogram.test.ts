/** Quantiles beside those of all values, sorted. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Histogram } from '#src/load/histogram.js'

/** The least value that a share of all does not exceed. */
function exact(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(1, Math.ceil(sorted.length * share - 1e-6)) - 1] ?? 0
}

function spread(count: number): number[] {
  // From a microsecond to three minutes, evenly by their logarithms; always the same ones.
  return Array.from({ length: count }, (_, at) => 0.001 * 10 ** (((at * 7919) % count) / count / 0.1213))
}

test('quantiles are at most 0.8 % above those of all values, and never below', () => {
  const values = spread(20_000)
  const histogram = new Histogram()
  for (const value of values) histogram.record(value)
  for (const share of [0.0001, 0.1, 0.5, 0.75, 0.9, 0.99, 0.999, 0.9999, 1]) {
    const [found, wanted] = [histogram.quantile(share), exact(values, share)]
    // What is shorter than 100 ns is one bucket.
    assert.ok(found >= wanted && found <= wanted * 1.008 + 0.0002, `${share}: ${found}, exactly ${wanted}`)
  }
  assert.equal(histogram.count, values.length)
  assert.equal(histogram.min, Math.min(...values))
  assert.equal(histogram.max, Math.max(...values))
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  assert.ok(Math.abs(histogram.mean - mean) < mean * 1e-9)
})

test('one value is every quantile, nothing is 0, and what cannot be is bounded', () => {
  const histogram = new Histogram()
  assert.deepEqual([histogram.quantile(0.5), histogram.mean, histogram.min, histogram.max], [0, 0, 0, 0])
  histogram.record(12.5)
  for (const share of [0, 0.5, 0.999, 1]) assert.equal(histogram.quantile(share), 12.5)
  histogram.record(-3)
  assert.equal(histogram.min, 0)
  histogram.record(1e9)
  assert.equal(histogram.max, 1e9)
  assert.equal(histogram.count, 3)
})

test('parts add up to the whole, and a histogram can be used again', () => {
  const values = spread(3000)
  const [whole, left, right] = [new Histogram(), new Histogram(), new Histogram()]
  for (const [at, value] of values.entries()) {
    whole.record(value)
    ;(at % 3 === 0 ? left : right).record(value)
  }
  left.add(right)
  left.add(new Histogram())
  assert.deepEqual(left.buckets(), whole.buckets())
  assert.deepEqual([left.count, left.min, left.max], [whole.count, whole.min, whole.max])
  assert.equal(
    left.buckets().reduce((sum, { count }) => sum + count, 0),
    values.length,
  )
  left.reset()
  assert.deepEqual([left.count, left.quantile(0.9), left.buckets()], [0, 0, []])
})
