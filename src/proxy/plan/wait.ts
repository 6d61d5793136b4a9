/** What a stream waits for, and who may end that. */

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
