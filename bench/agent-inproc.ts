/** An agent in the same process as its engine: what a call costs where there is no socket. */
import { told, type Figure } from './figure.js'
import { median, startScript } from './processes.js'

/** Exchanges in flight; with one, a call pays for every turn of the loop alone. */
const callers = [64, 1] as const

/** Microseconds of CPU for each call. */
const bar = 1.5

export async function runInprocCase(runs: number, seconds: number): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const count of callers) {
    const found: number[] = []
    for (let run = 0; run < runs; run++) {
      const script = await startScript(0, 'engine-run', String(count), String(seconds))
      found.push(Number(script.line))
      await script.stop()
    }
    const name = `CPU per call, ${count} in flight`
    const value = median(found)
    const figure = told('agent-inproc', name, value, 'us')
    figures.push(count === 1 ? figure : { ...figure, bar: `<= ${bar}`, ok: value <= bar })
  }
  return figures
}
