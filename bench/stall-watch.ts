/**
 * Stalls of this process's event loop by the clock, and the processor time that it had between two turns. This process
 * does nothing that blocks, so a stall without processor time is the machine's.
 */
const interval = 2

/** See the head of this file. All times in milliseconds. */
export class StallWatch {
  #longest = 0
  #longestWork = 0
  #last = performance.now()
  #lastWork = work()

  constructor() {
    setInterval(() => this.#look(), interval)
  }

  #look(): void {
    const now = performance.now()
    const worked = work()
    const gap = now - this.#last
    this.#longest = Math.max(this.#longest, gap)
    this.#longestWork = Math.max(this.#longestWork, Math.min(gap, worked - this.#lastWork))
    this.#last = now
    this.#lastWork = worked
  }

  /** The longest since the last time, by the clock and by the processor's time of all threads. */
  take(): { readonly stall: number; readonly work: number } {
    const taken = { stall: this.#longest, work: this.#longestWork }
    this.#longest = 0
    this.#longestWork = 0
    return taken
  }
}

function work(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
