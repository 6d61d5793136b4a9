/** An engine as a library and an agent behind a socket: what a call costs on the engine's side. */
import { atMost, type Figure } from './figure.js'
import { median, startScript } from './processes.js'

/** How many callers ask again as soon as they are answered. */
const callers = 64

/** CPU seconds of the engine's process per million calls. */
const bar = 1.5

export async function runCallersCase(runs: number, seconds: number): Promise<Figure[]> {
  const agent = await startScript(1, 'agent-server', 'one')
  try {
    const found: number[] = []
    for (let run = 0; run < runs; run++) {
      const engine = await startScript(
        0,
        'engine-run',
        String(callers),
        String(seconds),
        `127.0.0.1:${agent.line}`,
      )
      // Microseconds for one are seconds for a million.
      found.push(Number(engine.line))
      await engine.stop()
    }
    return [atMost('engine-64', 'CPU per million calls', median(found), 's', bar)]
  } finally {
    await agent.stop()
  }
}
