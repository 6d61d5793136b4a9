/** What a step of a stream, or an action of a rule, leads to, and what a stream waits for. */

/** What a step, or an action of a rule, leads to. */
export const Flow = {
  /** On to the next rule or step. */
  Next: 0,
  /** An action only: the rest of the rule set is passed over. */
  Stop: 1,
  /** The step has begun a {@link Wait}; when that is over the step is run again, with the `position` it left. */
  Wait: 2,
  /** The stream was answered or aborted. */
  Over: 3,
} as const
export type Flow = (typeof Flow)[keyof typeof Flow]

/** Who waits: a stream. */
export interface Waiting {
  /** Goes on, if this is what it waits for. */
  wake(wait: Wait): void
}

/**
 * What a stream waits for. Only whoever holds it can end it, so that nothing else that happens to the stream (a segment
 * that comes in, a timer) takes a stream past a verdict that is still to come.
 */
export class Wait {
  readonly #stream: Waiting
  /** Ends the work that is waited for: its outcome interests nobody any more. */
  readonly abandon: () => void
  /** As `abandon`, and lets the stream go on without the outcome. Undefined: it can only be waited for. */
  interrupt: (() => void) | undefined

  constructor(stream: Waiting, abandon: () => void) {
    this.#stream = stream
    this.abandon = abandon
  }

  /** The stream goes on, unless it waits for something else by now, or has ended. */
  over(): void {
    this.#stream.wake(this)
  }
}
