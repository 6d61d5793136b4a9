/** Leaves a store alone that has failed several times, and tries it again after a while. Pure: the time is an argument. */

/** How many failures in a row open it. */
const mostFailures = 5
/** How long it stays open, in milliseconds. */
const pause = 2000

/** A breaker: closed while all is well, open after failures, and half open for one trial after a pause. */
export class Breaker {
  #failures = 0
  /** Until when nothing is asked; 0 is closed. */
  #openUntil = 0
  #trying = false

  /** Whether the store may be asked now. When it is half open, one may, and its outcome must be told. */
  allows(now: number): boolean {
    if (this.#openUntil === 0) return true
    if (now < this.#openUntil || this.#trying) return false
    this.#trying = true
    return true
  }

  get isOpen(): boolean {
    return this.#openUntil !== 0
  }

  succeed(): void {
    this.#failures = 0
    this.#openUntil = 0
    this.#trying = false
  }

  /** Answers whether this failure has opened it. */
  fail(now: number): boolean {
    this.#failures++
    if (this.#failures < mostFailures && !this.#trying) return false
    const wasOpen = this.#openUntil !== 0
    this.#openUntil = now + pause
    this.#trying = false
    return !wasOpen
  }
}
