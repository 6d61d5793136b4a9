import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareResults, differingPlans } from '#src/load/compare.js'
import type { LoadResult } from '#src/load/result.js'
import { intervalOf, resultWith } from './result.ts'

/** Intervals around these figures, by these shares of them. */
function run(answers: number, p99: number, spread: readonly number[]): LoadResult {
  const intervals = spread.map((share) => intervalOf(answers * (1 + share), p99 * (1 + share)))
  return resultWith({ rate: answers * 10, response: { p50: p99 / 4, p90: p99 / 2, p99 }, intervals })
}

const noise = [-0.04, 0.02, 0, 0.03, -0.01, 0.01, -0.02, 0.01]
const verdicts = (before: LoadResult, after: LoadResult) =>
  Object.fromEntries(compareResults(before, after).map(({ name, verdict }) => [name, verdict]))

test('a difference within the noise is none, one beyond it is, and which way it goes depends on the figure', () => {
  const same = { rate: 'same', p50: 'same', p90: 'same', p99: 'same' }
  assert.deepEqual(verdicts(run(1000, 4, noise), run(1010, 4.02, noise)), same)
  assert.deepEqual(verdicts(run(1000, 4, noise), run(1000, 4, noise)), same)
  const better = { rate: 'better', p50: 'better', p90: 'better', p99: 'better' }
  assert.deepEqual(verdicts(run(1000, 4, noise), run(1100, 3, noise)), better)
  const worse = { rate: 'worse', p50: 'worse', p90: 'worse', p99: 'worse' }
  assert.deepEqual(verdicts(run(1000, 4, noise), run(900, 5, noise)), worse)
})

test('the range is that of a t table', () => {
  // Eight values each with a standard deviation of 22.678 around 1000: the error of the difference is 11.339, and with 14 degrees
  // of freedom 2.145 of it are 24.32.
  const [rate] = compareResults(run(1000, 4, noise), run(1000, 4, noise))
  const [least = 0, most = 0] = rate?.range ?? []
  assert.ok(Math.abs(most - 0.0243) < 0.0005, String(most))
  assert.ok(Math.abs(least + 0.0243) < 0.0005, String(least))
  assert.equal(rate?.change, 0)
})

test('of too few intervals nothing is said, and a short last one is left out', () => {
  assert.equal(verdicts(run(1000, 4, [0, 0.1, -0.1]), run(2000, 4, noise))['rate'], 'unknown')
  const short = { ...intervalOf(1, 1000), duration: 5 }
  const left = run(1000, 4, noise)
  assert.deepEqual(
    compareResults(left, { ...left, intervals: [...left.intervals, short] }),
    compareResults(left, left),
  )
})

test('what was asked differently is told', () => {
  const before = resultWith({ plan: { as: '2.6', rate: '100' }, loop: 'open' })
  const after = resultWith({ plan: { as: '3.x' } })
  assert.deepEqual(differingPlans(before, after), [
    'loop: open and closed',
    'as: 2.6 and 3.x',
    'rate: 100 and as it is by default',
  ])
  assert.deepEqual(differingPlans(before, before), [])
})
