/** What a result must not be, or must be: `p99>5ms`, `errors>0.1%`, `rate<20000`. */
import { UsageError } from '../base/errors.ts'
import type { LoadResult } from './result.ts'

/** One condition. */
export interface Condition {
  /** As it was written. */
  readonly text: string
  /** What it looks at. */
  readonly metric: string
  holds(result: LoadResult): boolean
  /** What was found of it, in words. */
  found(result: LoadResult): string
}

type Kind = 'duration' | 'count' | 'errors'

interface Metric {
  readonly kind: Kind
  read(result: LoadResult): number
}

const quantileNames = ['min', 'p50', 'p75', 'p90', 'p99', 'p99.9', 'max', 'mean'] as const

/** The share of exchanges without a right answer in time, in percent. */
export function errorShare({ counts, errors }: LoadResult): number {
  const total = counts.answers - counts.wrong + errors
  return total === 0 ? 0 : (errors * 100) / total
}

const metrics: ReadonlyMap<string, Metric> = new Map<string, Metric>([
  ...quantileNames.map((name): [string, Metric] => [
    name,
    { kind: 'duration', read: ({ response }) => response[name] },
  ]),
  ['rate', { kind: 'count', read: ({ rate }) => rate }],
  ['errors', { kind: 'errors', read: ({ errors }) => errors }],
  [
    'timeouts',
    {
      kind: 'count',
      read: ({ failures }) => failures.find(({ status }) => status === 1)?.count ?? 0,
    },
  ],
  ...(['answers', 'wrong', 'late', 'lost', 'doubled', 'stray', 'dropped', 'refused'] as const).map(
    (name): [string, Metric] => [name, { kind: 'count', read: ({ counts }) => counts[name] }],
  ),
  ...quantileNames.map((name): [string, Metric] => [
    `service.${name}`,
    { kind: 'duration', read: ({ service }) => service[name] },
  ]),
])

/** Names of what conditions may look at. */
const metricNames: readonly string[] = [...metrics.keys()]

const compare: Readonly<Record<string, (left: number, right: number) => boolean>> = {
  '>': (left, right) => left > right,
  '>=': (left, right) => left >= right,
  '<': (left, right) => left < right,
  '<=': (left, right) => left <= right,
}

const factors: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000 }

/**
 * Reads a condition.
 * @param flag names it in errors.
 * @throws UsageError `ERR_SLUICE_OPTION` naming what is wrong and what there is.
 */
export function parseCondition(given: string, flag: string): Condition {
  const match = /^\s*([a-z0-9.]+)\s*(>=|<=|>|<)\s*(\d{1,12}(?:\.\d{1,6})?)\s*(us|ms|s|%|)\s*$/.exec(given)
  const [, name = '', operator = '', digits = '', unit = ''] = match ?? []
  const refuse = (wanted: string): never => {
    throw new UsageError('ERR_SLUICE_OPTION', `${flag} '${given}': wanted ${wanted}`)
  }
  const metric = metrics.get(name)
  const test = compare[operator]
  if (match === null || test === undefined)
    return refuse("METRIC>VALUE, such as 'p99>5ms' or 'errors>0.1%'; > may be >=, < or <=")
  if (metric === undefined) return refuse(`one of ${metricNames.join(', ')} to look at`)
  const isShare = unit === '%' && metric.kind === 'errors'
  if (metric.kind === 'duration' ? !(unit in factors) : unit !== '' && !isShare) {
    return refuse(
      metric.kind === 'duration'
        ? 'a duration with its unit: us, ms or s'
        : 'a plain number, or a percentage for errors',
    )
  }
  const bound = Number(digits) * (factors[unit] ?? 1)
  const read = isShare ? errorShare : (result: LoadResult) => metric.read(result)
  const shown = isShare ? ' %' : metric.kind === 'duration' ? ' ms' : ''
  return {
    text: given.trim(),
    metric: name,
    holds: (result) => test(read(result), bound),
    found: (result) => `${name} is ${Number(read(result).toFixed(3))}${shown}`,
  }
}
