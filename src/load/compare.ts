/** Two results beside each other: what differs, and whether that is more than they differ within themselves. */
import type { Interval } from './meter.ts'
import type { LoadResult } from './result.ts'

/** One figure of both. */
export interface Comparison {
  readonly name: string
  readonly before: number
  readonly after: number
  /** How much more it is, as a share of what it was before; undefined when that was 0. */
  readonly change: number | undefined
  /** Where the true change is in 95 of 100 cases, from the intervals of both; undefined when they are too few. */
  readonly range: readonly [least: number, most: number] | undefined
  /** `same`: the range holds 0, or there is none and both are alike. */
  readonly verdict: 'better' | 'worse' | 'same' | 'unknown'
}

interface Figure {
  readonly name: string
  readonly whole: (result: LoadResult) => number
  readonly part: (interval: Interval) => number
  readonly moreIs: 'better' | 'worse'
}

const figures: readonly Figure[] = [
  {
    name: 'rate',
    whole: ({ rate }) => rate,
    part: ({ answers, duration }) => (answers * 1000) / duration,
    moreIs: 'better',
  },
  { name: 'p50', whole: ({ response }) => response.p50, part: ({ p50 }) => p50, moreIs: 'worse' },
  { name: 'p90', whole: ({ response }) => response.p90, part: ({ p90 }) => p90, moreIs: 'worse' },
  { name: 'p99', whole: ({ response }) => response.p99, part: ({ p99 }) => p99, moreIs: 'worse' },
]

/** With fewer intervals nothing can be said of their spread. */
const fewest = 4

/** All figures of both. */
export function compareResults(before: LoadResult, after: LoadResult): Comparison[] {
  return figures.map((figure) => compareFigure(figure, before, after))
}

function compareFigure(
  { name, whole, part, moreIs }: Figure,
  left: LoadResult,
  right: LoadResult,
): Comparison {
  const [before, after] = [whole(left), whole(right)]
  const change = before === 0 ? undefined : (after - before) / before
  const range = rangeOf(partsOf(left, part), partsOf(right, part))
  return { name, before, after, change, range, verdict: verdictOf(range, moreIs) }
}

/** The last interval may be short, and its figures are then of few exchanges. */
function partsOf({ intervals }: LoadResult, part: (interval: Interval) => number): number[] {
  const longest = Math.max(...intervals.map(({ duration }) => duration), 0)
  return intervals.filter(({ duration, answers }) => duration > longest / 2 && answers > 0).map(part)
}

function verdictOf(range: Comparison['range'], moreIs: Figure['moreIs']): Comparison['verdict'] {
  if (range === undefined) return 'unknown'
  const [least, most] = range
  if (least <= 0 && most >= 0) return 'same'
  return least > 0 === (moreIs === 'better') ? 'better' : 'worse'
}

function momentsOf(values: readonly number[]): { mean: number; error: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { mean, error: squares / (values.length - 1) / values.length }
}

/** Welch's interval of the difference of two means, as a share of the first. */
function rangeOf(left: readonly number[], right: readonly number[]): readonly [number, number] | undefined {
  if (left.length < fewest || right.length < fewest) return undefined
  const [a, b] = [momentsOf(left), momentsOf(right)]
  if (a.mean === 0) return undefined
  const error = a.error + b.error
  const parts = a.error ** 2 / (left.length - 1) + b.error ** 2 / (right.length - 1)
  const freedom = parts === 0 ? Infinity : error ** 2 / parts
  const half = studentQuantile(freedom) * Math.sqrt(error)
  const difference = b.mean - a.mean
  return [(difference - half) / a.mean, (difference + half) / a.mean]
}

/** The 97.5 % quantile of Student's t: within 2 % from three degrees of freedom on. */
function studentQuantile(freedom: number): number {
  return 1.96 + 2.37 / freedom + 2.82 / freedom ** 2 + 2.56 / freedom ** 3
}

/** In what the two were asked differently: their figures then say little of the agents. */
export function differingPlans(before: LoadResult, after: LoadResult): string[] {
  const names = new Set([...Object.keys(before.plan), ...Object.keys(after.plan)])
  const told = ({ plan }: LoadResult, name: string) => String(plan[name] ?? 'as it is by default')
  const differing = [...names].filter((name) => told(before, name) !== told(after, name))
  const loops = before.loop === after.loop ? [] : [`loop: ${before.loop} and ${after.loop}`]
  return [...loops, ...differing.map((name) => `${name}: ${told(before, name)} and ${told(after, name)}`)]
}
