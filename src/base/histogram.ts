/** A histogram with bounds of its own, for what is scraped: counts only go up. */
export class Histogram {
  /** Upper bounds of the buckets, ascending. */
  readonly bounds: readonly number[]
  /** One count per bound, and one for what is above. Not cumulative. */
  readonly counts: number[]
  /** Of all values. */
  sum = 0
  count = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0)
  }

  record(value: number): void {
    const { bounds, counts } = this
    let index = 0
    while (index < bounds.length && value > (bounds[index] as number)) index++ // index < length
    counts[index] = (counts[index] as number) + 1 // index is at most the last
    this.sum += value
    this.count++
  }
}
