/** Percentiles of histograms, as PromQL's `histogram_quantile` finds them: values are taken to lie evenly in a bucket. */
import type { LatencyReading } from './subject.ts'

/** What pages show. */
const shownPercentiles = [0.5, 0.9, 0.99, 0.999] as const

/**
 * The value below which the part `q` of all values lies; undefined for none. What is above the last bound is told as the
 * last bound: more is not known.
 */
export function percentile(
  counts: readonly number[],
  bounds: readonly number[],
  q: number,
): number | undefined {
  const total = counts.reduce((sum, each) => sum + each, 0)
  if (total === 0) return undefined
  const rank = q * total
  let below = 0
  for (const [index, bound] of bounds.entries()) {
    const count = counts[index] ?? 0
    if (below + count >= rank && count > 0) {
      const from = index === 0 ? 0 : (bounds[index - 1] ?? 0)
      return from + ((bound - from) * (rank - below)) / count
    }
    below += count
  }
  return bounds.at(-1)
}

/** All of {@link shownPercentiles}; undefined when there is nothing to tell. */
export function percentiles(counts: readonly number[], bounds: readonly number[]): number[] | undefined {
  const found = shownPercentiles.map((q) => percentile(counts, bounds, q))
  return found.some((each) => each === undefined) ? undefined : (found as number[])
}

/** What has come to a histogram since it was `before`. One that began anew, in another process, counts as it is. */
export function countsSince(now: LatencyReading, before: LatencyReading | undefined): number[] {
  if (before === undefined || now.count < before.count) return [...now.counts]
  return now.counts.map((count, index) => count - (before.counts[index] ?? 0))
}

/** The sum of several, bucket by bucket. */
export function sumCounts(all: readonly (readonly number[])[]): number[] {
  const [first = []] = all
  return first.map((_, index) => all.reduce((sum, counts) => sum + (counts[index] ?? 0), 0))
}
