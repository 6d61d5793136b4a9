import { longestTimer, monotonic } from './clock.ts'

/**
 * A deadline that is moved often and missed seldom, such as that of one side of a connection: moving it costs a look at the
 * clock, not a timer. For many items that wait equally long there are the lanes of deadlines.ts, which cost no timer each.
 */
export class Deadline {
  readonly #expired: () => void
  readonly #keepsAlive: boolean
  /** When it is missed; 0 when nothing is waited for. */
  #at = 0
  #timer: NodeJS.Timeout | undefined
  #firesAt = 0

  /** `keepsAlive` says whether the process may not end while it is armed. */
  constructor(expired: () => void, keepsAlive = true) {
    this.#expired = expired
    this.#keepsAlive = keepsAlive
  }

  /** Whether something is being waited for. */
  get armed(): boolean {
    return this.#at !== 0
  }

  /** Waits for `timeout` milliseconds from now; undefined waits for ever. Who has just read the clock says `now`. */
  arm(timeout: number | undefined, now?: number): void {
    // Longer ones are as good as none.
    if (timeout === undefined || timeout > longestTimer) {
      this.#at = 0
      return
    }
    const at = (now ?? monotonic()) + timeout
    this.#at = at
    // A timer that fires too early looks again; only one that would fire too late is replaced.
    if (this.#timer === undefined || at < this.#firesAt) this.#schedule(timeout)
  }

  /** Waits for nothing. The timer is left alone: it will find that out. */
  disarm(): void {
    this.#at = 0
  }

  /** Gives the timer back. */
  stop(): void {
    this.#at = 0
    if (this.#timer !== undefined) clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #schedule(timeout: number): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer)
    this.#firesAt = monotonic() + timeout
    this.#timer = setTimeout(this.#check, timeout)
    if (!this.#keepsAlive) this.#timer.unref()
  }

  readonly #check = (): void => {
    this.#timer = undefined
    if (this.#at === 0) return
    const left = this.#at - monotonic()
    // Timers of Node may fire a fraction of a millisecond early.
    if (left > 1) return this.#schedule(left)
    this.#at = 0
    this.#expired()
  }
}
