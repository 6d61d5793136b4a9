/** How far a server is trusted: `closed` is good, `open` waits before the next attempt, `half-open` tries once. */
export type BreakerState = 'closed' | 'open' | 'half-open'

/** Milliseconds, and a count. */
export interface BreakerOptions {
  readonly maxFailures: number
  readonly minBackoff: number
  readonly maxBackoff: number
}

/**
 * A circuit breaker: after a few failures in a row a server is left alone for a while, then tried once. Pure: time and
 * chance are arguments.
 *
 * ```
 *   closed ──fail × maxFailures──▶ open ──the wait is over──▶ half-open ──succeed──▶ closed
 *                                   ▲                              └──fail──▶ open, twice as long
 * ```
 * HAProxy has none: up to 3.0 it reconnects in a loop, thousands of times a second, while an agent refuses HELLO.
 */
export class Breaker {
  readonly #options: BreakerOptions
  #state: BreakerState = 'closed'
  #failures = 0
  #backoff: number
  #retryAt = 0

  constructor(options: BreakerOptions) {
    this.#options = options
    this.#backoff = options.minBackoff
  }

  get state(): BreakerState {
    return this.#state
  }

  /** When the next attempt is allowed; meaningful when open. */
  get retryAt(): number {
    return this.#retryAt
  }

  /**
   * Whether a connection may be attempted. `alive` is how many connections exist or are being made: half-open means
   * one at a time.
   */
  allows(now: number, alive: number): boolean {
    if (this.#state === 'closed') return true
    if (this.#state === 'open' && now < this.#retryAt) return false
    return alive === 0
  }

  /** An attempt begins. */
  attempt(): void {
    if (this.#state === 'open') this.#state = 'half-open'
  }

  /** The server has proved itself. Answers whether that is news. */
  succeed(): boolean {
    const news = this.#state !== 'closed'
    this.#state = 'closed'
    this.#failures = 0
    this.#backoff = this.#options.minBackoff
    return news
  }

  /** A failure; `chance` is from 0 to 1. Answers whether the server is down from now on and was not before. */
  fail(now: number, chance: number): boolean {
    this.#failures++
    if (this.#state === 'open') return false
    if (this.#state === 'closed' && this.#failures < this.#options.maxFailures) return false
    const news = this.#state === 'closed'
    // Between half and all of the backoff, so that many engines do not come back in step.
    this.#retryAt = now + this.#backoff * (0.5 + chance / 2)
    this.#backoff = Math.min(this.#backoff * 2, this.#options.maxBackoff)
    this.#state = 'open'
    return news
  }
}
