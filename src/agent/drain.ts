import { monotonic } from '../base/clock.ts'

/** Nothing has come for this long, in milliseconds: what is on its way is answered first. */
const lull = 10
/** Under constant traffic there is no lull; then it goes between two answers, in milliseconds after draining began. */
const longest = 1000

/**
 * When a draining connection may say DISCONNECT. HAProxy may have sent NOTIFYs that are not here yet, and counts them as
 * lost when it reads the farewell first: so it goes out in a lull.
 *
 * One per connection that drains.
 */
export class Drain {
  readonly #since = monotonic()
  readonly #look: () => boolean

  /** Calls `look` again and again, as long as it answers true. */
  constructor(look: () => boolean) {
    this.#look = look
    this.#awaitLull()
  }

  /** Whether it is time. `lastActivity`: when bytes came last, by the monotonic clock. */
  isOver(lastActivity: number): boolean {
    const now = monotonic()
    return now - Math.max(lastActivity, this.#since) >= lull - 1 || now - this.#since > longest
  }

  #awaitLull(): void {
    setTimeout(() => {
      // Behind the reading of this turn: after a busy one, timers run before what has come meanwhile is seen.
      setImmediate(() => {
        if (this.#look()) this.#awaitLull()
      })
    }, lull)
  }
}
