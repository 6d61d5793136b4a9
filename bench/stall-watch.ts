/** Stalls of this process's event loop: from one look at the clock to the next, when that is late. */

/** In milliseconds by the machine's monotonic clock, which other processes read, too. */
export interface Span {
  readonly from: number
  readonly to: number
}

const interval = 2
/** Of the shorter ones only the longest is told. */
const worthTelling = 20

/** See the head of this file. */
export class StallWatch {
  #longest = 0
  #spans: Span[] = []
  #last = monotonicMilliseconds()

  constructor() {
    setInterval(() => this.#look(), interval)
  }

  #look(): void {
    const from = this.#last
    const to = monotonicMilliseconds()
    this.#last = to
    if (to - from > worthTelling) this.#spans.push({ from, to })
    else this.#longest = Math.max(this.#longest, to - from)
  }

  /** Since the last time: the longest of the short ones, in milliseconds, and all that are worth telling. */
  take(): { readonly shortStall: number; readonly stalls: readonly Span[] } {
    const taken = { shortStall: this.#longest, stalls: this.#spans }
    this.#longest = 0
    this.#spans = []
    return taken
  }
}

/** The clock of {@link Span}. */
export function monotonicMilliseconds(): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1000 + nanoseconds / 1_000_000
}
