/** `sluice bench compare BEFORE AFTER`: two results of `--json` beside each other. */
import { compareResults, differingPlans, type Comparison } from '../load/compare.ts'
import { errorShare } from '../load/condition.ts'
import { resultVersion, type LoadResult } from '../load/result.ts'
import { UsageError } from '../base/errors.ts'
import { formatCount, formatMs, table } from './bench-text.ts'
import { print } from './output.ts'
import { readFile } from './read-file.ts'

/** Options of the command. */
export interface CompareOptions {
  readonly json?: boolean
  /** `--fail-if p99>+10%`, repeatable. */
  readonly failIf?: readonly string[]
}

interface Limit {
  readonly text: string
  readonly name: string
  readonly exceededBy: (comparison: Comparison) => boolean
}

/**
 * Compares. Answers the exit code: 1 when a `--fail-if` holds, else 0.
 * @throws UsageError `ERR_SLUICE_OPTION` for files that are no results, or a limit that is none.
 */
export function compareCommand(before: string, after: string, options: CompareOptions): number {
  const [left, right] = [readResult(before), readResult(after)]
  const limits = (options.failIf ?? []).map(parseLimit)
  const comparisons = compareResults(left, right)
  const plans = differingPlans(left, right)
  const failed = limits.filter(({ name, exceededBy }) =>
    comparisons.some((each) => each.name === name && exceededBy(each)),
  )
  if (options.json === true) {
    const errors = { before: left.errors, after: right.errors }
    print(JSON.stringify({ comparisons, errors, plans, failed: failed.map(({ text }) => text) }))
  } else for (const line of formatComparison(comparisons, left, right, plans)) print(line)
  if (options.json !== true) for (const { text } of failed) print(`failed: ${text}`)
  return failed.length === 0 ? 0 : 1
}

function readResult(path: string): LoadResult {
  const refuse = (why: string): never => {
    throw new UsageError('ERR_SLUICE_OPTION', `${path}: ${why}; wanted what sluice bench --json has printed`)
  }
  let found: Partial<LoadResult> | null = null
  try {
    found = JSON.parse(readFile('compare', path).toString()) as Partial<LoadResult> | null
  } catch (error) {
    if (error instanceof UsageError) throw error
    return refuse('it is no JSON')
  }
  if (typeof found !== 'object' || found === null || !Array.isArray(found.intervals))
    return refuse('it is no result')
  if (found.version !== resultVersion) return refuse(`it is a result of version ${String(found.version)}`)
  return found as LoadResult
}

function parseLimit(text: string): Limit {
  const match = /^\s*(rate|p50|p90|p99)\s*(?:>\s*\+|<\s*-)\s*(\d{1,5}(?:\.\d{1,3})?)\s*%\s*$/.exec(text)
  if (match === null) {
    const wanted = "rate, p50, p90 or p99 with a change, such as 'p99>+10%' or 'rate<-5%'"
    throw new UsageError('ERR_SLUICE_OPTION', `--fail-if '${text}': wanted ${wanted}`)
  }
  const isMore = text.includes('>')
  const share = Number(match[2]) / 100
  return {
    text,
    name: match[1] ?? '',
    // What may be chance is no failure.
    exceededBy: ({ change, verdict }) =>
      verdict !== 'same' && change !== undefined && (isMore ? change > share : change < -share),
  }
}

const percent = (share: number) => `${share >= 0 ? '+' : ''}${(share * 100).toFixed(1)} %`

const words: Readonly<Record<Comparison['verdict'], string>> = {
  better: 'better',
  worse: 'worse',
  same: 'no difference seen',
  unknown: 'too few intervals to say',
}

function formatComparison(
  comparisons: readonly Comparison[],
  left: LoadResult,
  right: LoadResult,
  plans: readonly string[],
): string[] {
  const shown = (name: string, value: number) => (name === 'rate' ? formatCount(value) : formatMs(value))
  const rows = comparisons.map(({ name, before, after, change, range, verdict }) => [
    name === 'rate' ? 'answers a second' : `${name}, ms`,
    shown(name, before),
    shown(name, after),
    change === undefined ? '' : percent(change),
    range === undefined ? '' : `${percent(range[0])} to ${percent(range[1])}`,
    words[verdict],
  ])
  const errors = [left, right].map((result) => `${errorShare(result).toFixed(3)} %`)
  return [
    ...table([['', 'before', 'after', 'change', '95 % of cases', ''], ...rows, ['errors', ...errors]], 5),
    ...plans.map((each) => `they were asked differently: ${each}`),
  ]
}
