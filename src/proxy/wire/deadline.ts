/**
 * A deadline that is moved often and missed seldom: moving it costs a look at the clock, not a timer. One per side of
 * a connection.
 */
import { monotonic } from '../../clock.ts'

/** Longer waits than `setTimeout` takes are as good as none. */
const longest = 0x7fff_ffff

/** See the head of this file. */
export class Deadline {
  readonly #expired: () => void
  /** When it is missed; 0 when nothing is waited for. */
  #at = 0
  #timer: NodeJS.Timeout | undefined
  #firesAt = 0

  constructor(expired: () => void) {
    this.#expired = expired
  }

  /** Whether something is being waited for. */
  get armed(): boolean {
    return this.#at !== 0
  }

  /** Waits for `timeout` milliseconds from now; undefined waits for ever. Who has just read the clock says `now`. */
  arm(timeout: number | undefined, now?: number): void {
    if (timeout === undefined || timeout > longest) {
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
