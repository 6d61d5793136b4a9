import { monotonic, turnTime } from '../../base/clock.ts'
import type { Deadlines, Lane, Timed } from '../../base/deadlines.ts'

function nothing(): void {}

/** The one deadline of a request: for its place in the queue while it waits, for the application later. */
export class ExchangeDeadline implements Timed<ExchangeDeadline> {
  deadline = 0
  lane: Lane<ExchangeDeadline> | undefined
  earlier: ExchangeDeadline | undefined
  later: ExchangeDeadline | undefined
  #timeout = 0
  #onTimeout: () => void = nothing
  /** When something happened last, by the monotonic clock. */
  #activeAt = 0
  readonly #all: Deadlines<ExchangeDeadline>

  constructor(all: Deadlines<ExchangeDeadline>) {
    this.#all = all
  }

  /** Sets it, in milliseconds from now; 0 is none. */
  arm(timeout: number, onTimeout: () => void): void {
    this.#timeout = timeout
    this.#onTimeout = onTimeout
    this.rearm()
  }

  /** As long again, from now. */
  rearm(): void {
    this.#activeAt = turnTime()
    this.#all.remove(this)
    if (this.#timeout > 0) this.#all.add(this, this.#timeout, this.#activeAt)
  }

  /** Something has happened: time begins again. It is looked at when the deadline comes, for this is called often. */
  touch(): void {
    this.#activeAt = turnTime()
  }

  stop(): void {
    this.#all.remove(this)
  }

  /** It is there. */
  expire(): void {
    const now = monotonic()
    const left = Math.ceil(this.#timeout - (now - this.#activeAt))
    // A millisecond is what a timer may be early by.
    if (left > 1) this.#all.add(this, left, now)
    else this.#onTimeout()
  }
}
