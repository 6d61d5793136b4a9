/** What is seen while a load runs: a few lines that are drawn anew on a terminal, a line for each interval elsewhere. */
import type { Interval, Meter } from '../load/meter.ts'
import { formatCount, formatMs } from './bench-text.ts'

/** Where it is drawn. */
export interface LiveOutput {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

/** Milliseconds of the whole run. */
export interface LiveTimes {
  readonly warmup: number
  readonly duration: number
}

const blocks = '▁▂▃▄▅▆▇█'
const mostPoints = 60
const lines = 4
/** Milliseconds between two lines, where there is no terminal. */
const leastBetween = 240

/** One character for each value, as high as its share of the largest. */
export function sparkline(values: readonly number[]): string {
  const most = Math.max(...values, 0)
  return values.map((value) => blocks[most === 0 ? 0 : Math.min(7, Math.floor((value * 8) / most))]).join('')
}

/** How far it is, as a bar of that width. */
export function progressBar(share: number, width: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width)
  return `[${'='.repeat(full)}${' '.repeat(width - full)}]`
}

/** See the head of this file. */
export class LiveView {
  readonly #out: LiveOutput
  readonly #times: LiveTimes
  readonly #rates: number[] = []
  readonly #p99s: number[] = []
  #drawn = false
  #lastLine = 0

  constructor(out: LiveOutput, times: LiveTimes) {
    this.#out = out
    this.#times = times
  }

  /** An interval is over. */
  show(interval: Interval, meter: Meter, phase: 'warm-up' | 'measure'): void {
    const rate = (interval.answers * 1000) / Math.max(1, interval.duration)
    if (this.#out.isTTY !== true) return this.#line(interval, rate, phase)
    if (phase === 'measure' && interval.at <= interval.duration * 1.5) this.#forget()
    this.#rates.push(rate)
    this.#p99s.push(interval.p99)
    if (this.#rates.length > mostPoints) {
      this.#rates.shift()
      this.#p99s.shift()
    }
    this.#draw(interval, meter, rate, phase)
  }

  /** What the warm-up was like is of no interest. */
  #forget(): void {
    this.#rates.length = 0
    this.#p99s.length = 0
  }

  #line(interval: Interval, rate: number, phase: string): void {
    const { p50, p99, max, errors, at } = interval
    if (phase === 'measure' && at - this.#lastLine < leastBetween) return
    this.#lastLine = phase === 'measure' ? at : 0
    const label = phase === 'warm-up' ? 'warm-up' : `${(at / 1000).toFixed(1)} s`
    const wrong = errors === 0 ? '' : `, ${formatCount(errors)} errors`
    this.#out.write(
      `${label.padStart(8)}  ${formatCount(rate)}/s  p50 ${formatMs(p50)}  p99 ${formatMs(p99)}  max ${formatMs(max)} ms${wrong}\n`,
    )
  }

  #draw(interval: Interval, meter: Meter, rate: number, phase: 'warm-up' | 'measure'): void {
    const { warmup, duration } = this.#times
    const whole = phase === 'warm-up' ? warmup : duration
    const width = Math.max(20, Math.min(this.#out.columns ?? 80, 120)) - 1
    const cut = (text: string) => text.slice(0, width)
    const bar = progressBar(interval.at / Math.max(1, whole), 24)
    const rows = [
      `${phase === 'warm-up' ? 'warm-up' : 'measure'} ${bar} ${(interval.at / 1000).toFixed(1)} of ${(whole / 1000).toFixed(1)} s   ${meter.errors === 0 ? 'no errors' : `${formatCount(meter.errors)} errors`}`,
      `${formatCount(rate)}/s   p50 ${formatMs(interval.p50)}  p90 ${formatMs(interval.p90)}  p99 ${formatMs(interval.p99)}  max ${formatMs(interval.max)} ms`,
      `rate ${sparkline(this.#rates.slice(-(width - 5)))}`,
      `p99  ${sparkline(this.#p99s.slice(-(width - 5)))}`,
    ]
    this.clear()
    this.#out.write(rows.map((row) => `${cut(row)}\n`).join(''))
    this.#drawn = true
  }

  /** Takes away what was drawn: the report stands in its place. */
  clear(): void {
    // Up by as many lines, and everything from there on.
    if (this.#drawn) this.#out.write(`\u001b[${lines}A\u001b[J`)
    this.#drawn = false
  }
}
