/** `maxerrrate`: errors per second, beyond which an engine leaves the streams alone. */

/** Counts within a second that slides, as HAProxy's frequency counters do. */
export class ErrorRate {
  readonly #most: number
  #second = 0
  #current = 0
  #previous = 0

  constructor(most: number) {
    this.#most = most
  }

  /** `now` is in milliseconds. */
  count(now: number): void {
    this.#rotate(now)
    this.#current++
  }

  exceeded(now: number): boolean {
    this.#rotate(now)
    const rest = 1 - (now % 1000) / 1000
    return this.#current + this.#previous * rest >= this.#most
  }

  #rotate(now: number): void {
    const second = Math.floor(now / 1000)
    if (second === this.#second) return
    this.#previous = second === this.#second + 1 ? this.#current : 0
    this.#current = 0
    this.#second = second
  }
}
