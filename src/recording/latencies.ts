/** How long answers took: counts in fixed buckets, and quantiles. */

/** Upper bounds of the buckets that are shown, in milliseconds; what is above comes behind them. */
export const latencySteps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000] as const

/** Of {@link Latencies}, in milliseconds. */
export interface LatencySummary {
  /** How many values there are. */
  readonly count: number
  /** The median. */
  readonly p50: number
  /** What 9 of 10 did not exceed. */
  readonly p90: number
  /** What 99 of 100 did not exceed. */
  readonly p99: number
  /** The largest. */
  readonly max: number
  /** How many fell into each bucket of `latencySteps`, and above. */
  readonly counts: readonly number[]
}

/** Fine buckets grow by this factor, so that a quantile is at most 3 % too large. */
const growth = 2 ** (1 / 24)
/** Milliseconds. */
const least = 0.001
const fineBuckets = Math.ceil(Math.log(1e7 / least) / Math.log(growth))

/** Gathers without keeping each value: a recording may have millions. */
export class Latencies {
  readonly #counts: number[] = latencySteps.map(() => 0)
  readonly #fine = new Uint32Array(fineBuckets + 1)
  #above = 0
  #count = 0
  #max = 0

  /** Milliseconds. */
  add(value: number): void {
    const step = latencySteps.findIndex((bound) => value <= bound)
    if (step < 0) this.#above++
    else this.#counts[step] = (this.#counts[step] ?? 0) + 1
    const fine = value <= least ? 0 : Math.ceil(Math.log(value / least) / Math.log(growth))
    const at = Math.min(fine, fineBuckets)
    this.#fine[at] = (this.#fine[at] ?? 0) + 1
    this.#count++
    this.#max = Math.max(this.#max, value)
  }

  get summary(): LatencySummary {
    const [p50, p90, p99] = [0.5, 0.9, 0.99].map((share) => this.#quantile(share))
    const counts = [...this.#counts, this.#above]
    return { count: this.#count, p50: p50 ?? 0, p90: p90 ?? 0, p99: p99 ?? 0, max: this.#max, counts }
  }

  #quantile(share: number): number {
    let rest = Math.ceil(this.#count * share)
    for (const [at, count] of this.#fine.entries()) {
      rest -= count
      if (rest <= 0) return Math.min(least * growth ** at, this.#max)
    }
    return this.#max
  }
}
