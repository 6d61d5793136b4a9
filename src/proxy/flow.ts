/** How a stream goes through its phases: a list of steps, each of which may finish at once, wait, or end the stream. */
import type { ProxyStream } from './stream.ts'

/** What a step, or an action of a rule, leads to. */
export const Flow = {
  /** On to the next rule or step. */
  Next: 0,
  /** An action only: the rest of the rule set is passed over. */
  Stop: 1,
  /** `stream.resume()` will be called; the step is then run again, with the `position` it left. */
  Wait: 2,
  /** The stream was answered or aborted. */
  Over: 3,
} as const
export type Flow = (typeof Flow)[keyof typeof Flow]

/** One step. Steps keep nothing: what they must remember is `stream.position`, 0 when they begin. */
export interface Step {
  run(stream: ProxyStream): Flow
}
