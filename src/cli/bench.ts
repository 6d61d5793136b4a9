/** `sluice bench`: a load as HAProxy makes it, and how an agent bears it. */
import { UsageError } from '../base/errors.ts'
import type { LoadEvents } from '../load/generator.ts'
import type { LoadResult } from '../load/result.ts'
import { createSpopLoad, type Load, type SpopLoadOptions } from '../load/spop-load.ts'
import { LiveView } from './bench-live.ts'
import { readMessages, readSpopLoad, type BenchOptions } from './bench-options.ts'
import { formatResult } from './bench-text.ts'
import { describeError, note, print } from './output.ts'

/** Nothing was measured. */
const failedExit = 2

/**
 * Loads what `target` names. Answers the exit code: 0 when it went as it should, 1 when a `--fail-if` holds, 2 when nothing was
 * measured.
 * @throws UsageError `ERR_SLUICE_ADDRESS`, `ERR_SLUICE_OPTION`.
 */
export async function benchCommand(target: string, options: BenchOptions): Promise<number> {
  const load = readSpopLoad(target, options, readMessages(options))
  let result: LoadResult
  try {
    result = await runOnce(load, options)
  } catch (error) {
    if (error instanceof UsageError) throw error
    note(`${target}: ${describeError(error)}`)
    return failedExit
  }
  print(options.json === true ? JSON.stringify(result) : formatResult(result))
  return result.counts.answers === 0 ? failedExit : 0
}

/** Runs a load, with what is seen of it, until its end or the first signal. */
export async function runOnce(
  options: SpopLoadOptions,
  { quiet = false }: BenchOptions,
): Promise<LoadResult> {
  const view = new LiveView(process.stderr, options.plan)
  const events: LoadEvents = quiet ? {} : { onInterval: (...args) => view.show(...args) }
  const load = createSpopLoad(options, events)
  const restore = stopOnSignal(load)
  try {
    return await load.run()
  } finally {
    restore()
    view.clear()
  }
}

/** The first signal ends the load with its report, the second the process. Answers how to undo that. */
function stopOnSignal(load: Load): () => void {
  const signals = ['SIGINT', 'SIGTERM'] as const
  let asked = false
  const onSignal = (): void => {
    if (asked) process.exit(130)
    asked = true
    load.stop()
  }
  for (const signal of signals) process.on(signal, onSignal)
  return () => {
    for (const signal of signals) process.off(signal, onSignal)
  }
}
