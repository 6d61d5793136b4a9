/**
 * The last ten minutes, a point for each second: a page that is opened shows them at once. All is bounded: points, rows,
 * and the readings that the figures of the last minute are made from.
 */
import { countsSince, percentiles, sumCounts } from './percentiles.ts'
import type { StatusSnapshot } from './snapshot.ts'
import type { RowReading } from './subject.ts'
import type { PageState, Percentiles, Point, RowPoint, RowState, VerdictState } from './view/page-state.ts'

/** Points that are kept: ten minutes. */
export const mostPoints = 600
/** Rows that the page shows; those beyond are in the sums. */
const mostRows = 64
/** Readings that are kept: for the last minute, and one before it. */
const mostMarks = 61
/** Rates are of so many seconds. */
const rateSpan = 10

interface Mark {
  readonly at: number
  readonly snapshot: StatusSnapshot
}

const failuresOf = ({ failures }: RowReading) =>
  Object.entries(failures).reduce((sum, [reason, count]) => (reason === 'late' ? sum : sum + count), 0)

/** Three digits are enough for a chart, and make a page open faster. */
const short = (value: number) => Number(value.toPrecision(3))

/** Keeps points, and makes the page's state of a snapshot. Time is an argument, in milliseconds since 1970. */
export class History {
  readonly points: Point[] = []
  readonly #marks: Mark[] = []
  /** In the order in which they were met: what a value's series is called must not change. */
  readonly #values: string[] = []

  /** `busy`: the part of the time since the last call that the event loop has worked. */
  add(at: number, snapshot: StatusSnapshot, busy: number): void {
    const before = this.#marks.at(-1)
    this.#noteValues(snapshot)
    this.#marks.push({ at, snapshot })
    if (this.#marks.length > mostMarks) this.#marks.shift()
    if (before === undefined) return
    this.points.push(this.#pointOf(at, snapshot, before, busy))
    if (this.points.length > mostPoints) this.points.shift()
  }

  #noteValues({ rows }: StatusSnapshot): void {
    for (const { verdicts } of rows) {
      for (const value of Object.keys(verdicts)) if (!this.#values.includes(value)) this.#values.push(value)
    }
  }

  #pointOf(at: number, snapshot: StatusSnapshot, before: Mark, busy: number): Point {
    const seconds = Math.max(0.001, (at - before.at) / 1000)
    const { rows, bounds, inFlight } = snapshot
    const earlier = before.snapshot.rows
    const latency = (now: readonly RowReading[]) => shorten(latencySince(now, earlier, bounds))
    const failed = sum(rows.map(failuresOf)) - sum(earlier.map(failuresOf))
    return {
      at: Math.round(at / 1000),
      rate: short(sum(rows.map((row) => receivedSince(row, earlier))) / seconds),
      failures: short(Math.max(0, failed) / seconds),
      inFlight,
      busy: short(busy),
      latency: latency(rows),
      rows: rows.slice(0, mostRows).map((row): RowPoint => ({
        rate: short(receivedSince(row, earlier) / seconds),
        latency: latency([row]),
      })),
      verdicts: this.#values.map((value) => short(verdictSince(rows, earlier, value) / seconds)),
    }
  }

  /** What the page shows of a snapshot, which was the last that was added. */
  stateOf(snapshot: StatusSnapshot, more: Pick<PageState, 'recent' | 'controls'>): PageState {
    const { rows, bounds: _, process, snapshot: moment, ...standing } = snapshot
    const { pid, node, platform, uptimeSeconds, rssBytes, heapUsedBytes } = process
    return {
      ...moment,
      ...standing,
      rows: rows.slice(0, mostRows).map((row) => this.#rowState(row.name, [row], snapshot)),
      total: this.#rowState('', rows, snapshot),
      verdicts: this.#verdictStates(snapshot),
      process: { pid, node, platform, uptimeSeconds, cpu: this.#cpu(snapshot), rssBytes, heapUsedBytes },
      ...more,
    }
  }

  #rowState(name: string, rows: readonly RowReading[], { bounds }: StatusSnapshot): RowState {
    const minute = this.#marks.at(0)
    const recent = this.#recentMark
    const seconds = this.#secondsSince(recent)
    const received = sum(rows.map((row) => receivedSince(row, recent?.snapshot.rows ?? [])))
    return {
      name,
      rate: seconds === 0 ? 0 : received / seconds,
      latency: latencySince(rows, minute?.snapshot.rows ?? [], bounds),
      received: sum(rows.map((row) => row.received)),
      failures: sumRecords(rows.map(({ failures }) => failures)),
    }
  }

  get #recentMark(): Mark | undefined {
    return this.#marks.at(-1 - rateSpan) ?? this.#marks.at(0)
  }

  #secondsSince(mark: Mark | undefined): number {
    const last = this.#marks.at(-1)
    return mark === undefined || last === undefined ? 0 : (last.at - mark.at) / 1000
  }

  #cpu({ process }: StatusSnapshot): number {
    const mark = this.#recentMark
    const seconds = this.#secondsSince(mark)
    if (mark === undefined || seconds === 0) return 0
    return (process.cpuSeconds - mark.snapshot.process.cpuSeconds) / seconds
  }

  #verdictStates({ rows }: StatusSnapshot): VerdictState[] {
    const earlier = this.#marks.at(0)?.snapshot.rows ?? []
    const recent = this.#values.map((value) => verdictSince(rows, earlier, value))
    const all = sum(recent)
    return this.#values.map((value, index) => ({
      value,
      count: sum(rows.map(({ verdicts }) => verdicts[value] ?? 0)),
      share: all === 0 ? 0 : (recent[index] ?? 0) / all,
    }))
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, each) => total + each, 0)
}

function sumRecords(records: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const total: Record<string, number> = {}
  for (const record of records) {
    for (const [key, value] of Object.entries(record)) total[key] = (total[key] ?? 0) + value
  }
  return total
}

const namesake = (rows: readonly RowReading[], name: string) => rows.find((each) => each.name === name)

function receivedSince(row: RowReading, earlier: readonly RowReading[]): number {
  return row.received - (namesake(earlier, row.name)?.received ?? 0)
}

function verdictSince(rows: readonly RowReading[], earlier: readonly RowReading[], value: string): number {
  const count = (all: readonly RowReading[]) => sum(all.map(({ verdicts }) => verdicts[value] ?? 0))
  return count(rows) - count(earlier)
}

function latencySince(
  rows: readonly RowReading[],
  earlier: readonly RowReading[],
  bounds: readonly number[],
): Percentiles {
  const counts = sumCounts(
    rows.map(({ name, latency }) => countsSince(latency, namesake(earlier, name)?.latency)),
  )
  return (percentiles(counts, bounds) as Percentiles | undefined) ?? null
}

function shorten(values: Percentiles): Percentiles {
  return values === null ? null : (values.map(short) as unknown as Percentiles)
}
