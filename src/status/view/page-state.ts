/**
 * What the page shows, as it comes from the server: once a second a state, and points that charts are made of. Shared by
 * the server, which renders the page for those without JavaScript, and by the browser.
 */
import type { Moment, OwnReading, Standing } from '../readings.ts'

/** p50, p90, p99 and p99.9 in milliseconds; null when nothing came. */
export type Percentiles = readonly [number, number, number, number] | null

/** One second. Rates are per second. */
export interface Point {
  /** Seconds since 1970. */
  readonly at: number
  readonly rate: number
  readonly failures: number
  readonly inFlight: number
  /** What part of the second the event loop worked, 0 to 1. */
  readonly busy: number
  readonly latency: Percentiles
  /** In the order of {@link PageState.rows}. */
  readonly rows: readonly RowPoint[]
  /** In the order of {@link PageState.verdicts}. */
  readonly verdicts: readonly number[]
}

/** One row in one second. */
export interface RowPoint {
  readonly rate: number
  readonly latency: Percentiles
}

/** A row, over the last minute, and since the start. */
export interface RowState {
  readonly name: string
  /** Per second, over the last ten seconds. */
  readonly rate: number
  readonly latency: Percentiles
  readonly received: number
  readonly failures: Readonly<Record<string, number>>
}

/** A value that the chosen variable had. */
export interface VerdictState {
  readonly value: string
  /** Since the start. */
  readonly count: number
  /** Of all answers of the last minute, 0 to 1. */
  readonly share: number
}

/** Something in a recent message: an argument or an action. */
export interface RecentItem {
  /** Of the argument, or of the variable with its scope. */
  readonly name: string
  /** As text, shortened. */
  readonly value: string
}

/** A message, with what secret there was taken out. */
export interface RecentMessage {
  /** Goes up. */
  readonly id: number
  /** ISO 8601. */
  readonly time: string
  /** The name of the message. */
  readonly row: string
  /** What became of it. */
  readonly status: string
  /** Milliseconds. */
  readonly duration: number
  /** What it asked with. */
  readonly args: readonly RecentItem[]
  /** What it was answered. */
  readonly actions: readonly RecentItem[]
}

/** Everything but the charts. */
export interface PageState extends Moment, Standing, OwnReading {
  readonly rows: readonly RowState[]
  /** All rows together. */
  readonly total: RowState
  readonly verdicts: readonly VerdictState[]
  readonly process: {
    readonly pid: number
    readonly node: string
    readonly platform: string
    readonly uptimeSeconds: number
    /** Of one core, 0 and up, over the last ten seconds. */
    readonly cpu: number
    readonly rssBytes: number
    readonly heapUsedBytes: number
  }
  /** null: the list is off. The latest first. */
  readonly recent: readonly RecentMessage[] | null
  /** What may be changed from here, with a token; null: nothing. */
  readonly controls: { readonly logLevel: string | null; readonly recent: boolean } | null
}

/** What a page begins with. */
export interface PageHistory {
  readonly state: PageState
  readonly points: readonly Point[]
}
