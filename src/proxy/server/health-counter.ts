/** How healthy a server is: what its checks have said so far. */

/**
 *   0 ──pass──▶ … rise - 1 ──pass──▶ full, where full = rise + fall - 1; at `rise` and above the server is up
 *   full ──fail──▶ … rise ──fail──▶ 0
 *
 * A pass while up leads to full at once, a fail while down to 0 (`set_server_check_status` in src/check.c). A server
 * begins at `rise`: up, and down at its first failure.
 */
export class HealthCounter {
  readonly #rise: number
  readonly #full: number
  readonly #fall: number
  #health: number

  constructor(rise: number, fall: number) {
    this.#rise = rise
    this.#fall = fall
    this.#full = rise + fall - 1
    this.#health = rise
  }

  get healthy(): boolean {
    return this.#health >= this.#rise
  }

  /** What a check said. Answers whether anything has changed by it. */
  take(passed: boolean): boolean {
    if (this.#health === (passed ? this.#full : 0)) return false
    this.#health += passed ? 1 : -1
    if (passed && this.healthy) this.#health = this.#full
    if (!passed && !this.healthy) this.#health = 0
    return true
  }

  /** Which of the three intervals comes next (`srv_getinter`). */
  get pace(): 'inter' | 'fastinter' | 'downinter' {
    if (this.#health === this.#full) return 'inter'
    return this.#health === 0 ? 'downinter' : 'fastinter'
  }

  /** `2/3 UP`: so many failures until it is down; `1/2 DOWN`: so many successes of those that it needs. */
  get status(): string {
    if (!this.healthy) return `${this.#health}/${this.#rise} DOWN`
    return `${this.#health - this.#rise + 1}/${this.#fall} UP`
  }
}
