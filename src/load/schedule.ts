/** When exchanges are due in an open loop: the n-th of them has its time, whatever the agent does. */

/** A stretch with one rate, or with one that grows or shrinks evenly. */
export interface Stage {
  /** Milliseconds. */
  readonly duration: number
  /** Exchanges a second at its beginning and at its end. */
  readonly from: number
  readonly to: number
}

interface Part extends Stage {
  readonly startsAt: number
  /** Exchanges that are due before it. */
  readonly before: number
  readonly count: number
}

/** See the head of this file. Times are milliseconds from the beginning. */
export class Schedule {
  readonly #parts: readonly Part[]
  /** How long all stages take. */
  readonly duration: number
  /** How many exchanges are due in all. */
  readonly total: number

  constructor(stages: readonly Stage[]) {
    const parts: Part[] = []
    let startsAt = 0
    let before = 0
    for (const stage of stages) {
      const count = ((stage.from + stage.to) / 2) * (stage.duration / 1000)
      parts.push({ ...stage, startsAt, before, count })
      startsAt += stage.duration
      before += count
    }
    this.#parts = parts
    this.duration = startsAt
    this.total = Math.floor(before + 1e-9)
  }

  /** When the exchange of that number, from 0, is due; Infinity behind the last one. */
  timeOf(number: number): number {
    if (number >= this.total) return Infinity
    const part = this.#parts.find(({ before, count }) => number < before + count) ?? this.#parts.at(-1)
    if (part === undefined) return Infinity
    const within = number - part.before
    const from = part.from / 1000
    const growth = (part.to - part.from) / 1000 / part.duration
    // The area under the rate is the number: from * t + growth * t^2 / 2.
    const time = growth === 0 ? within / from : (Math.sqrt(from * from + 2 * growth * within) - from) / growth
    return part.startsAt + time
  }

  /** The rate at that time, per second. */
  rateAt(time: number): number {
    const part =
      this.#parts.find(({ startsAt, duration }) => time < startsAt + duration) ?? this.#parts.at(-1)
    if (part === undefined) return 0
    const share = Math.min(1, Math.max(0, (time - part.startsAt) / part.duration))
    return part.from + (part.to - part.from) * share
  }
}
