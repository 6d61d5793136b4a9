/** Results for tests of what is made of them. */
import type { Interval } from '#src/load/meter.js'
import type { Latency, LoadResult } from '#src/load/result.js'

const noLatency: Latency = {
  count: 0,
  min: 0,
  mean: 0,
  deviation: 0,
  p50: 0,
  p75: 0,
  p90: 0,
  p99: 0,
  'p99.9': 0,
  max: 0,
  buckets: [],
}

/** What of a result may be given in part. */
type Parts = Omit<Partial<LoadResult>, 'counts' | 'response' | 'service'> & {
  readonly counts?: Partial<LoadResult['counts']>
  readonly response?: Partial<Latency>
  readonly service?: Partial<Latency>
}

/** A result with these fields; the others are 0. */
export function resultWith({ counts, response, service, ...rest }: Parts = {}): LoadResult {
  const none = { sent: 0, answers: 0, wrong: 0, late: 0, doubled: 0, stray: 0, lost: 0, cut: 0 }
  const connections = { connections: 1, refused: 0, dropped: 0, garbage: 0, garbageNoticed: 0 }
  return {
    version: 1,
    target: 'spop://agent:1',
    plan: {},
    loop: 'closed',
    startedAt: 0,
    duration: 1000,
    stopped: false,
    rate: 0,
    errors: 0,
    failures: [],
    lag: noLatency,
    cold: noLatency,
    lateness: noLatency,
    firstWrong: undefined,
    intervals: [],
    ownCpu: 0,
    ...rest,
    counts: { ...none, ...connections, ...counts },
    response: { ...noLatency, ...response },
    service: { ...noLatency, ...service },
  }
}

/** An interval of a tenth of a second. */
export function intervalOf(answers: number, p99: number): Interval {
  return {
    at: 0,
    duration: 100,
    sent: answers,
    answers,
    errors: 0,
    p50: p99 / 4,
    p90: p99 / 2,
    p99,
    max: p99,
  }
}
