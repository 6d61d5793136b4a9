/** How often something happens in a second that slides, counted as HAProxy's frequency counters do. Pure: time is an argument, in milliseconds. */
export class Frequency {
  #second = -1
  #current = 0
  #previous = 0

  count(now: number): void {
    this.#rotate(now)
    this.#current++
  }

  /** What is left of the second before counts in proportion. */
  read(now: number): number {
    this.#rotate(now)
    return this.#current + this.#previous * (1 - (now % 1000) / 1000)
  }

  #rotate(now: number): void {
    const second = Math.floor(now / 1000)
    if (second === this.#second) return
    this.#previous = second === this.#second + 1 ? this.#current : 0
    this.#current = 0
    this.#second = second
  }
}
