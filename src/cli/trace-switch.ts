/** `--trace`, and SIGUSR2, which switches it. */
import type { Agent } from '../agent/index.ts'
import { formatFrame } from './frame-text.ts'
import { note } from './output.ts'

/** Switches the trace of an agent off and on; it begins as `on` says. */
export function traceSwitch(agent: Agent, on: boolean): () => void {
  const apply = () => agent.trace(on ? (event) => note(formatFrame(event)) : undefined)
  apply()
  return () => {
    on = !on
    apply()
    note(`SIGUSR2: trace ${on ? 'on' : 'off'}`)
  }
}
