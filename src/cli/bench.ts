/** `sluice bench`: a load as HAProxy makes it, and how what is behind it bears that. */
import { UsageError } from '../base/errors.ts'
import { parseCondition, type Condition } from '../load/condition.ts'
import type { LoadEvents } from '../load/generator.ts'
import { formatPercentiles } from '../load/hgrm.ts'
import type { LoadResult } from '../load/result.ts'
import { LiveView } from './bench-live.ts'
import { readPlan, type BenchOptions } from './bench-options.ts'
import { searchRate } from './bench-saturate.ts'
import { subjectOf, type Subject } from './bench-subject.ts'
import { formatResult } from './bench-text.ts'
import { describeError, note, print } from './output.ts'
import { onFirstSignal } from './signals.ts'
import { writeFile } from './write-file.ts'

/** Nothing was measured. */
const failedExit = 2

/**
 * Loads what `target` names. Answers the exit code: 0 when it went as it should, 1 when a `--fail-if` holds or an answer was not
 * as expected, 2 when nothing was measured.
 * @throws UsageError `ERR_SLUICE_ADDRESS`, `ERR_SLUICE_OPTION`.
 */
export async function benchCommand(target: string, options: BenchOptions): Promise<number> {
  const conditions = (options.failIf ?? []).map((each) => parseCondition(each, '--fail-if'))
  const subject = subjectOf(target, options)
  if (options.quiet !== true) for (const line of subject.remarks) note(line)
  try {
    if (options.saturate !== undefined) return await searchRate(subject, options, runOnce)
    return report(await runOnce(subject, options), conditions, options)
  } catch (error) {
    if (error instanceof UsageError) throw error
    note(`${target}: ${describeError(error)}`)
    return failedExit
  }
}

/** Prints a result; answers the exit code. */
function report(result: LoadResult, conditions: readonly Condition[], options: BenchOptions): number {
  const holding = conditions.filter((each) => each.holds(result))
  const failed = holding.map((each) => `${each.text}: ${each.found(result)}`)
  if (options.json === true) print(JSON.stringify({ ...result, failed }))
  else {
    print(formatResult(result))
    for (const line of failed) print(`failed: ${line}`)
  }
  if (options.hgrm !== undefined) writeFile('--hgrm', options.hgrm, formatPercentiles(result.response))
  if (result.counts.answers === 0) return failedExit
  return failed.length > 0 || result.counts.wrong > 0 ? 1 : 0
}

/** Runs a load, with what is seen of it, until its end or the first signal. */
async function runOnce(
  subject: Subject,
  options: BenchOptions,
  plan = readPlan(options, subject.steps),
): Promise<LoadResult> {
  const view = new LiveView(process.stderr, plan)
  const events: LoadEvents = options.quiet === true ? {} : { onInterval: (...args) => view.show(...args) }
  const load = subject.create(plan, events)
  const restore = onFirstSignal(() => load.stop())
  try {
    return await load.run()
  } finally {
    restore()
    view.clear()
  }
}
