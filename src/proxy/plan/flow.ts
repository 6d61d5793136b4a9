/** What a step of a stream, or an action of a rule, leads to. */

/** What a step, or an action of a rule, leads to. */
export const Flow = {
  /** On to the next rule or step. */
  Next: 0,
  /** An action only: the rest of the rule set is passed over. */
  Stop: 1,
  /** The step has begun a wait (see wait.ts); when that is over the step is run again, with the `position` it left. */
  Wait: 2,
  /** The stream was answered or aborted. */
  Over: 3,
} as const
export type Flow = (typeof Flow)[keyof typeof Flow]
