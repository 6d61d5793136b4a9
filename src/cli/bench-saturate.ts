/** `sluice bench --saturate 'p99<5ms'`: the largest rate that holds it. */
import { UsageError } from '../base/errors.ts'
import { errorShare, parseCondition } from '../load/condition.ts'
import type { LoadPlan } from '../load/generator.ts'
import type { LoadResult } from '../load/result.ts'
import { findLargestRate, type Trial } from '../load/saturation.ts'
import { Schedule } from '../load/schedule.ts'
import { readPlan, type BenchOptions } from './bench-options.ts'
import type { Subject } from './bench-subject.ts'
import { formatCount, formatMs, table } from './bench-text.ts'
import { parseRate } from './bench-values.ts'
import { note, print } from './output.ts'

/** Of the rate that was asked for, so much has to be answered, and so little may fail: percent. */
const leastAnswered = 95
const mostErrors = 0.1
const precision = 0.05
const mostRate = 5_000_000
const firstRate = 1000

/** Runs a subject under a plan. */
export type RunOnce = (subject: Subject, options: BenchOptions, plan: LoadPlan) => Promise<LoadResult>

/**
 * Searches, and prints what was tried. Answers the exit code: 1 when not even the first rate was borne, or none below it.
 * @throws UsageError `ERR_SLUICE_OPTION`.
 */
export async function searchRate(subject: Subject, options: BenchOptions, runOnce: RunOnce): Promise<number> {
  if (options.stages !== undefined) {
    throw new UsageError('ERR_SLUICE_OPTION', '--saturate and --stages exclude each other')
  }
  const conditions = (options.saturate ?? []).map((each) => parseCondition(each, '--saturate'))
  const { rate: first, ...rest } = options
  const base = readPlan({ warmup: '500ms', duration: '2s', ...rest }, subject.steps)
  const trials: Trial<LoadResult>[] = []
  const best = await findLargestRate<LoadResult>({
    from: first === undefined ? firstRate : parseRate('--rate', first),
    most: mostRate,
    precision,
    attempt: async (rate) => {
      const stages = [base.warmup, base.duration].map((duration) => ({ duration, from: rate, to: rate }))
      const schedule = new Schedule(stages.filter(({ duration }) => duration > 0))
      const found = await runOnce(subject, { ...options, quiet: true }, { ...base, schedule })
      const isAnswered = found.rate * 100 >= rate * leastAnswered && errorShare(found) <= mostErrors
      return { isBorne: isAnswered && conditions.every((each) => each.holds(found)), found }
    },
    onTrial: (trial) => {
      trials.push(trial)
      if (options.quiet !== true) note(describeTrial(trial))
      return !trial.found.stopped
    },
  })
  const wanted = conditions.map(({ text }) => text).join(' and ')
  if (options.json === true) print(JSON.stringify(toJson(wanted, best, trials)))
  else print(formatSearch(subject.name, wanted, best, trials))
  return best === undefined ? 1 : 0
}

function describeTrial({ rate, isBorne, found }: Trial<LoadResult>): string {
  return `${formatCount(rate)}/s  p99 ${formatMs(found.response.p99)} ms, ${formatCount(found.rate)} answered a second: ${isBorne ? 'borne' : 'too much'}`
}

function formatSearch(
  name: string,
  wanted: string,
  best: Trial<LoadResult> | undefined,
  trials: readonly Trial<LoadResult>[],
): string {
  const rows = [...trials]
    .sort((a, b) => a.rate - b.rate)
    .map(({ rate, isBorne, found }) => [
      `${formatCount(rate)}/s`,
      `${formatCount(found.rate)}/s`,
      formatMs(found.response.p50),
      formatMs(found.response.p99),
      `${errorShare(found).toFixed(3)} %`,
      isBorne ? 'borne' : 'too much',
    ])
  const verdict =
    best === undefined
      ? `${name} did not hold ${wanted} at any rate that was tried`
      : `${name} holds ${wanted} up to about ${formatCount(best.rate)} exchanges a second`
  return [...table([['due', 'answered', 'p50, ms', 'p99, ms', 'errors', ''], ...rows], 5), '', verdict].join(
    '\n',
  )
}

function toJson(
  wanted: string,
  best: Trial<LoadResult> | undefined,
  trials: readonly Trial<LoadResult>[],
): object {
  const told = ({ rate, isBorne, found }: Trial<LoadResult>) => {
    const { p50, p99 } = found.response
    return { rate, isBorne, answered: found.rate, p50, p99, errors: found.errors }
  }
  return { wanted, rate: best?.rate ?? null, trials: trials.map(told) }
}
