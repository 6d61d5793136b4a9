import { monotonic } from './clock.ts'
import type { Deadlines, Expiring, Lane } from './deadlines.ts'

/** Whose deadline it is. */
export interface DeadlineOwner {
  /** It was missed; it is not armed any more. */
  onDeadline(): void
}

/** Lanes look at an item up to so much too early, in milliseconds. */
const slack = 1

/**
 * As a Deadline (deadline.ts), in a lane of {@link Deadlines}: for what comes and goes with every connection, where a timer and a
 * closure for each would cost as much as reading a head. Moving it is a sum; its place in the lane is kept, and looked at in vain.
 */
export class LaneDeadline implements Expiring {
  /** When the lane looks at it. */
  deadline = 0
  lane: Lane<Expiring> | undefined
  earlier: Expiring | undefined
  later: Expiring | undefined
  readonly #deadlines: Deadlines<Expiring>
  readonly #owner: DeadlineOwner
  /** When it is missed; 0 when nothing is waited for. */
  #at = 0

  constructor(deadlines: Deadlines<Expiring>, owner: DeadlineOwner) {
    this.#deadlines = deadlines
    this.#owner = owner
  }

  /** Waits for `timeout` milliseconds from `now`, by the monotonic clock; undefined waits for ever. */
  arm(timeout: number | undefined, now: number): void {
    if (timeout === undefined) return this.disarm()
    const at = now + timeout
    this.#at = at
    if (this.lane === undefined || at < this.deadline) this.#deadlines.arm(this, timeout, now)
  }

  /** Waits for nothing. */
  disarm(): void {
    this.#at = 0
  }

  /** Gives its place back. */
  stop(): void {
    this.#at = 0
    this.#deadlines.remove(this)
  }

  /** From the lane. */
  expire(): void {
    if (this.#at === 0) return
    const now = monotonic()
    const left = this.#at - now
    // Whole milliseconds: those that were armed in one of them share a lane, and its timer.
    if (left > slack) return this.#deadlines.arm(this, Math.ceil(left), now)
    this.#at = 0
    this.#owner.onDeadline()
  }
}
