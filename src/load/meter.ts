/** What is counted while a load runs, over the whole of it and over each interval. */
import { Histogram } from './histogram.ts'

/** One stretch of time. Times are milliseconds. */
export interface Interval {
  /** From the beginning of what is measured to the end of the interval. */
  readonly at: number
  readonly duration: number
  readonly sent: number
  readonly answers: number
  /** Exchanges without a right answer in time. */
  readonly errors: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

/** Counts that grow while a load runs. */
export interface Counts {
  /** Exchanges that were begun. */
  sent: number
  /** That were answered in time. */
  answers: number
  /** Answers without what was expected of them. */
  wrong: number
  /** Answers to what had been given up. */
  late: number
  /** Second answers to one exchange. */
  doubled: number
  /** Answers to what was never asked on that connection. */
  stray: number
  /** Sent and given up; what of it is not `late` was lost. */
  givenUp: number
  /** Exchanges that our own `--reset` or `--garbage` cut off. */
  cut: number
  /** Connections that were made, with their handshake. */
  connections: number
  /** Attempts to connect that failed. */
  refused: number
  /** Connections that the other end closed or lost while they were wanted. */
  dropped: number
  /** Times that `--garbage` was sent, and how often the agent then closed the connection. */
  garbage: number
  garbageNoticed: number
}

const noCounts: Counts = {
  sent: 0,
  answers: 0,
  wrong: 0,
  late: 0,
  doubled: 0,
  stray: 0,
  givenUp: 0,
  cut: 0,
  connections: 0,
  refused: 0,
  dropped: 0,
  garbage: 0,
  garbageNoticed: 0,
}

/** See the head of this file. */
export class Meter {
  counts: Counts = { ...noCounts }
  /** By status, what was not answered. */
  readonly failures = new Map<number, number>()
  /** From when it was due to the answer; equal to `service` where each is due when it is sent. */
  readonly response = new Histogram()
  /** From the write to the answer. */
  readonly service = new Histogram()
  /** How late the load generator itself was: when it saw that an exchange was due, after it was. */
  readonly lag = new Histogram()
  /** How long answers to what had been given up took. */
  readonly lateness = new Histogram()
  /** From the start of the first connections to their first answers. */
  readonly cold = new Histogram()
  readonly intervals: Interval[] = []
  readonly #open: boolean
  #responseNow = new Histogram()
  #serviceNow = new Histogram()
  #before: Counts = { ...noCounts }
  #errorsBefore = 0
  #startedAt = 0
  #lastAt = 0

  /** `open`: exchanges are due at times of their own. */
  constructor(open: boolean) {
    this.#open = open
  }

  /** Exchanges without a right answer in time. */
  get errors(): number {
    return this.counts.wrong + this.unanswered
  }

  /** Exchanges that failed, by any status. */
  get unanswered(): number {
    let sum = 0
    for (const count of this.failures.values()) sum += count
    return sum
  }

  /** Exchanges that were sent, given up, and not answered since. */
  get lost(): number {
    return Math.max(0, this.counts.givenUp - this.counts.late)
  }

  /** Forgets what the warm-up has brought: what is measured begins. */
  start(now: number): void {
    const { connections, refused, dropped } = this.counts
    this.counts = { ...noCounts, connections, refused, dropped }
    this.#before = { ...this.counts }
    this.#errorsBefore = 0
    this.failures.clear()
    this.intervals.length = 0
    for (const each of [
      this.response,
      this.service,
      this.lag,
      this.lateness,
      this.#responseNow,
      this.#serviceNow,
    ])
      each.reset()
    this.#startedAt = now
    this.#lastAt = now
  }

  /** An exchange was begun. */
  begun(scheduled: number): void {
    if (scheduled >= this.#startedAt) this.counts.sent++
  }

  /** An exchange was answered in time. What was due before the measuring began is not counted, here and below. */
  answered(scheduled: number, sent: number, now: number): void {
    if (scheduled < this.#startedAt) return
    this.counts.answers++
    this.#serviceNow.record(now - sent)
    if (this.#open) this.#responseNow.record(now - scheduled)
  }

  /** Exchanges of a closed loop that were written together were answered, and as many were begun in their stead. */
  answeredTogether(sent: number, now: number, count: number): void {
    this.counts.sent += count
    if (sent < this.#startedAt) return
    this.counts.answers += count
    this.#serviceNow.record(now - sent, count)
  }

  /** An exchange failed. */
  failed(status: number, scheduled: number): void {
    if (scheduled < this.#startedAt) return
    this.failures.set(status, (this.failures.get(status) ?? 0) + 1)
  }

  /** An exchange was sent, and is given up. */
  gaveUp(status: number, scheduled: number): void {
    if (scheduled >= this.#startedAt) this.counts.givenUp++
    this.failed(status, scheduled)
  }

  /** An interval is over. */
  closeInterval(now: number): Interval {
    const shown = this.#open ? this.#responseNow : this.#serviceNow
    const { counts } = this
    const interval: Interval = {
      at: now - this.#startedAt,
      duration: now - this.#lastAt,
      sent: counts.sent - this.#before.sent,
      answers: counts.answers - this.#before.answers,
      errors: this.errors - this.#errorsBefore,
      p50: shown.quantile(0.5),
      p90: shown.quantile(0.9),
      p99: shown.quantile(0.99),
      max: shown.max,
    }
    this.#before = { ...counts }
    this.#errorsBefore = this.errors
    this.#lastAt = now
    this.intervals.push(interval)
    this.gather()
    return interval
  }

  /** Adds what came since the last interval to the whole. */
  gather(): void {
    this.service.add(this.#serviceNow)
    this.response.add(this.#open ? this.#responseNow : this.#serviceNow)
    this.#serviceNow.reset()
    this.#responseNow.reset()
  }
}
