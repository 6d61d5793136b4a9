/** What a run has found, for programs: `sluice bench --json`, and what two runs are compared by. */
import type { Bucket, Histogram } from './histogram.ts'
import type { LoadEnd } from './generator.ts'
import type { Counts, Interval, Meter } from './meter.ts'

/** The version of this form: it changes when a field changes its meaning. */
export const resultVersion = 1

/** Quantiles of one histogram, in milliseconds. */
export interface Latency {
  readonly count: number
  readonly min: number
  readonly mean: number
  /** The standard deviation. */
  readonly deviation: number
  readonly p50: number
  readonly p75: number
  readonly p90: number
  readonly p99: number
  readonly 'p99.9': number
  readonly max: number
  /** All buckets that are not empty: an upper bound, and how many. */
  readonly buckets: readonly Bucket[]
}

/** A status that exchanges failed with. */
export interface Failure {
  readonly status: number
  /** How the status is written, such as `st=1`. */
  readonly label: string
  readonly words: string
  readonly count: number
}

/** How a status is written, and what it means. */
export type DescribeStatus = (status: number) => Pick<Failure, 'label' | 'words'>

/** One run. Times are milliseconds. */
export interface LoadResult {
  readonly version: typeof resultVersion
  readonly target: string
  /** What was asked for, as far as it matters when two runs are compared. */
  readonly plan: Readonly<Record<string, string | number | boolean>>
  readonly loop: 'open' | 'closed'
  /** Since 1970. */
  readonly startedAt: number
  readonly duration: number
  readonly stopped: boolean
  /** Answers a second. */
  readonly rate: number
  readonly counts: Readonly<Omit<Counts, 'givenUp'>> & { readonly lost: number }
  /** Exchanges without a right answer in time. */
  readonly errors: number
  readonly failures: readonly Failure[]
  /** From when each was due: what a client has seen. */
  readonly response: Latency
  /** From the write to the answer: what the agent took. */
  readonly service: Latency
  /** How late the load generator itself was: when it saw that an exchange was due, after it was. */
  readonly lag: Omit<Latency, 'buckets'>
  readonly cold: Omit<Latency, 'buckets'>
  readonly lateness: Omit<Latency, 'buckets'>
  /** What was wrong with the first answer that was. */
  readonly firstWrong: string | undefined
  readonly intervals: readonly Interval[]
  /** How busy the load generator was itself, of one core: near 1 it is what is measured. */
  readonly ownCpu: number
}

/** What of a run is known to who has started it. */
export interface ResultInput {
  readonly target: string
  readonly plan: LoadResult['plan']
  readonly loop: LoadResult['loop']
  readonly startedAt: number
  readonly meter: Meter
  readonly end: LoadEnd
  readonly describe: DescribeStatus
  readonly firstWrong: string | undefined
  readonly ownCpu: number
}

/** Puts together what a run has found. */
export function resultOf({ meter, end, describe, ...rest }: ResultInput): LoadResult {
  const { givenUp: _, ...counts } = meter.counts
  const failures = [...meter.failures]
    .sort(([, a], [, b]) => b - a)
    .map(([status, count]) => ({ status, ...describe(status), count }))
  return {
    version: resultVersion,
    ...rest,
    duration: end.duration,
    stopped: end.stopped,
    rate: end.perSecond,
    counts: { ...counts, lost: meter.lost },
    errors: meter.errors,
    failures,
    response: latencyOf(meter.response),
    service: latencyOf(meter.service),
    lag: quantilesOf(meter.lag),
    cold: quantilesOf(meter.cold),
    lateness: quantilesOf(meter.lateness),
    intervals: meter.intervals,
  }
}

function quantilesOf(histogram: Histogram): Omit<Latency, 'buckets'> {
  return {
    count: histogram.count,
    min: histogram.min,
    mean: histogram.mean,
    deviation: histogram.deviation,
    p50: histogram.quantile(0.5),
    p75: histogram.quantile(0.75),
    p90: histogram.quantile(0.9),
    p99: histogram.quantile(0.99),
    'p99.9': histogram.quantile(0.999),
    max: histogram.max,
  }
}

function latencyOf(histogram: Histogram): Latency {
  return { ...quantilesOf(histogram), buckets: histogram.buckets() }
}
