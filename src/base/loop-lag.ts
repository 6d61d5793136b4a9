import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks'

/** Lag of the event loop, in milliseconds. */
export interface LoopLag {
  /** The mean of its delays. */
  readonly mean: number
  /** What 99 of 100 delays did not exceed. */
  readonly p99: number
  /** The longest delay. */
  readonly max: number
}

const resolution = 10
const windowSize = 10_000
const none: LoopLag = { mean: 0, p99: 0, max: 0 }

/**
 * How late the event loop is, over the last seconds: HAProxy's timeouts go on while JavaScript computes. Two windows, so
 * that a figure is never of less than one whole window, nor of the whole past.
 */
export class LoopLagMonitor {
  #histogram: IntervalHistogram | undefined
  #timer: NodeJS.Timeout | undefined
  #last: LoopLag = none

  start(): void {
    if (this.#histogram !== undefined) return
    this.#histogram = monitorEventLoopDelay({ resolution })
    this.#histogram.enable()
    this.#timer = setInterval(() => this.#turn(), windowSize).unref()
  }

  #turn(): void {
    this.#last = this.#current()
    this.#histogram?.reset()
  }

  /** The histogram holds intervals between timers: what is over the interval that was asked for is lag. */
  #current(): LoopLag {
    const histogram = this.#histogram
    if (histogram === undefined || histogram.count === 0) return none
    const lag = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - resolution)
    return { mean: lag(histogram.mean), p99: lag(histogram.percentile(99)), max: lag(histogram.max) }
  }

  /** The worse of the last whole window and the current one. */
  get lag(): LoopLag {
    const now = this.#current()
    const { mean, p99, max } = this.#last
    return { mean: Math.max(mean, now.mean), p99: Math.max(p99, now.p99), max: Math.max(max, now.max) }
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#histogram?.disable()
    this.#histogram = undefined
  }
}
