/** An engine as a library and an agent behind a socket: what a call costs on the engine's side. */
import { atMost, told, type Figure } from './figure.js'
import { median, startScript, startScriptOf } from './processes.js'

/** How many callers ask again as soon as they are answered. */
const callers = 64

/** CPU seconds of the engine's process per million calls. */
const bar = 1.3

const name = 'engine-64'

/** `beside`: the folder of another checkout, whose engine has its turn in each round. */
export async function runCallersCase(
  runs: number,
  seconds: number,
  beside: string | undefined,
): Promise<Figure[]> {
  const agent = await startScript(1, 'agent-server', 'one')
  const measure = async (folder?: string): Promise<number> => {
    const args = [String(callers), String(seconds), `127.0.0.1:${agent.line}`]
    const engine = await startScriptOf(folder, 0, 'engine-run', ...args)
    await engine.stop()
    // Microseconds for one are seconds for a million.
    return Number(engine.line)
  }
  try {
    const found: number[] = []
    const others: number[] = []
    for (let run = 0; run < runs; run++) {
      found.push(await measure())
      if (beside !== undefined) others.push(await measure(beside))
    }
    const figure = atMost(name, 'CPU per million calls', median(found), 's', bar)
    if (beside === undefined) return [figure]
    const ratio = median(found.map((cpu, run) => cpu / (others[run] ?? Number.NaN)))
    return [figure, told(name, 'CPU over that of the other checkout', ratio, 'x')]
  } finally {
    await agent.stop()
  }
}
