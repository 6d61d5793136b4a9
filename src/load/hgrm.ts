/** Percentiles as HdrHistogram prints them: its plotters and its other tools read this text. */
import type { Latency } from './result.ts'

/** Lines for each halving of the distance to 100 %. */
const ticksPerHalf = 5
/** Steps add up to less than this beside the truth. */
const rounding = 1e-9

/** The text, with values in milliseconds. */
export function formatPercentiles({ buckets, count, mean, max, deviation }: Latency): string {
  const lines = ['       Value     Percentile TotalCount 1/(1-Percentile)', '']
  let reached = 0
  let share = 0
  for (const [at, bucket] of buckets.entries()) {
    reached += bucket.count
    if (at === buckets.length - 1) lines.push(line(max, share, reached), line(max, 1, count))
    // Several lines may have one value: each says what share of all is not above it.
    else
      for (; reached / count >= share - rounding; share = nextShare(share))
        lines.push(line(bucket.bound, share, reached))
  }
  const summary = [
    `#[Mean    = ${mean.toFixed(3).padStart(12)}, StdDeviation   = ${deviation.toFixed(3).padStart(12)}]`,
    `#[Max     = ${max.toFixed(3).padStart(12)}, Total count    = ${String(count).padStart(12)}]`,
    `#[Buckets = ${'24'.padStart(12)}, SubBuckets     = ${'256'.padStart(12)}]`,
  ]
  return `${[...lines, ...summary].join('\n')}\n`
}

/** The closer to 100 %, the smaller the steps. */
function nextShare(share: number): number {
  const halves = Math.floor(Math.log2(1 / (1 - share)) + rounding) + 1
  return share + 1 / (ticksPerHalf * 2 ** halves)
}

function line(value: number, share: number, reached: number): string {
  const start = `${value.toFixed(3).padStart(12)} ${share.toFixed(12)} ${String(reached).padStart(10)}`
  return share >= 1 ? start : `${start} ${(1 / (1 - share)).toFixed(2).padStart(14)}`
}
