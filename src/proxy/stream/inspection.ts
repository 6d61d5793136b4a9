/** `inspect-delay`: for how long the content rules of one section may wait, whatever for. */
import { monotonic } from '../../base/clock.ts'

/**
 * Begins with the first wait of a rule set, and ends with the rule set (`analyse_exp` of a channel in HAProxy, as
 * `tcp_inspect_request` uses it).
 */
export class Inspection {
  readonly #onExpired: () => void
  #timer: NodeJS.Timeout | undefined
  #until = 0
  #expired = false

  constructor(onExpired: () => void) {
    this.#onExpired = onExpired
  }

  /** Whether the time is up: what is not known now never will be. */
  get expired(): boolean {
    return this.#expired
  }

  /** Something is waited for; only the first wait begins the delay (milliseconds). */
  begin(delay: number): void {
    if (this.#expired || this.#timer !== undefined) return
    const now = monotonic()
    if (this.#until === 0) this.#until = now + delay
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined
        this.#expired = true
        this.#onExpired()
      },
      Math.max(0, this.#until - now),
    )
  }

  /** The rule set is through; the next one has a delay of its own. */
  end(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#until = 0
    this.#expired = false
  }
}
