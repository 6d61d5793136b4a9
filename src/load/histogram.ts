/**
 * How long things took: counts in buckets of equal relative width, as HdrHistogram has them. Recording is an index and an
 * addition, and takes no memory.
 */

/** Durations are counted in units of 100 ns. */
const unitsPerMs = 10_000
/** Each power of two is cut into 128 buckets: a value is known to 0.8 %. */
const halfBits = 7
const half = 1 << halfBits
/** Milliseconds; what is longer counts as this long. */
const longest = 200_000
const bucketCount = bucketOf(longest * unitsPerMs) + 1

/** `units` is 0 to 2^31 - 1. */
function bucketOf(units: number): number {
  if (units < 2 * half) return units
  const shift = 31 - halfBits - Math.clz32(units)
  return (shift << halfBits) + (units >>> shift)
}

/** The bucket of a duration, which is not below 0. */
function placeOf(duration: number): number {
  return bucketOf(duration < longest ? (duration * unitsPerMs) | 0 : longest * unitsPerMs)
}

/** The upper bound of a bucket, in milliseconds: nothing in it is longer. */
function boundOf(bucket: number): number {
  const shift = bucket < 2 * half ? 0 : (bucket >>> halfBits) - 1
  const within = bucket - (shift << halfBits)
  return ((within + 1) * 2 ** shift) / unitsPerMs
}

/** One bucket that is not empty. */
export interface Bucket {
  /** Upper bound, in milliseconds. */
  readonly bound: number
  readonly count: number
}

/** See the head of this file. Times are milliseconds, with a fraction. */
export class Histogram {
  readonly #counts = new Float64Array(bucketCount)
  #count = 0
  #sum = 0
  #min = Infinity
  #max = 0

  /** How many were recorded. */
  get count(): number {
    return this.#count
  }

  /** The exact mean; 0 of nothing. */
  get mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count
  }

  /** The exact least; 0 of nothing. */
  get min(): number {
    return this.#count === 0 ? 0 : this.#min
  }

  /** The exact largest. */
  get max(): number {
    return this.#max
  }

  /** Records a duration, once or more often; one below 0 counts as 0. */
  record(duration: number, times = 1): void {
    const known = duration < 0 ? 0 : duration
    const bucket = placeOf(known)
    this.#counts[bucket] = (this.#counts[bucket] as number) + times // within bounds
    this.#count += times
    this.#sum += known * times
    if (known > this.#max) this.#max = known
    if (known < this.#min) this.#min = known
  }

  /** Adds what another has recorded. */
  add(other: Histogram): void {
    if (other.#count === 0) return
    const last = placeOf(other.#max)
    for (let bucket = placeOf(other.#min); bucket <= last; bucket++) {
      this.#counts[bucket] = (this.#counts[bucket] as number) + (other.#counts[bucket] as number) // within bounds
    }
    this.#count += other.#count
    this.#sum += other.#sum
    this.#max = Math.max(this.#max, other.#max)
    this.#min = Math.min(this.#min, other.#min)
  }

  /** Forgets everything. */
  reset(): void {
    if (this.#count > 0) this.#counts.fill(0, placeOf(this.#min), placeOf(this.#max) + 1)
    this.#count = 0
    this.#sum = 0
    this.#min = Infinity
    this.#max = 0
  }

  /**
   * The duration that a `share` (0 to 1) of all did not exceed: the upper bound of its bucket, so at most 0.8 % too long and
   * never too short; 0 of nothing.
   */
  quantile(share: number): number {
    let rest = Math.max(1, Math.ceil(this.#count * share - 1e-6))
    if (this.#count === 0) return 0
    for (let bucket = placeOf(this.#min); bucket < bucketCount; bucket++) {
      rest -= this.#counts[bucket] as number // within bounds
      if (rest <= 0) return Math.min(boundOf(bucket), this.#max)
    }
    return this.#max
  }

  /** The standard deviation, from the buckets. */
  get deviation(): number {
    if (this.#count === 0) return 0
    const { mean } = this
    const squares = this.buckets().reduce((sum, { bound, count }) => sum + count * (bound - mean) ** 2, 0)
    return Math.sqrt(squares / this.#count)
  }

  /** All buckets that are not empty, in order. */
  buckets(): Bucket[] {
    const found: Bucket[] = []
    for (const [bucket, count] of this.#counts.entries())
      if (count > 0) found.push({ bound: boundOf(bucket), count })
    return found
  }
}
