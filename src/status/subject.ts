/**
 * What a status port tells of: an agent, a proxy. The port knows rows with counters and a histogram, what
 * went wrong, who is connected; what a row is, its subject says.
 */
import type { LogLevel } from '../base/logger.ts'
import type { CheckState, OwnReading, SourceState, SubjectKind } from './readings.ts'
import type { RecentMessages } from './recent.ts'

/** A histogram whose counts only go up: one count per bound, one for what is above the last; not cumulative. */
export interface LatencyReading {
  /** By bound of {@link SubjectReading.bounds}. */
  readonly counts: readonly number[]
  /** Of all values, in milliseconds. */
  readonly sum: number
  /** How many values there are. */
  readonly count: number
}

/** One row: a message of an agent, a backend of a proxy. Counters only go up. */
export interface RowReading {
  /** Of the message, or of the backend. */
  readonly name: string
  /** How many came, answered or not. */
  readonly received: number
  /** What was not answered as it should, by reason. */
  readonly failures: Readonly<Record<string, number>>
  /** From the question to its result. */
  readonly latency: LatencyReading
  /** How often the chosen variable was set to what; of a proxy, responses by class of their status. */
  readonly verdicts: Readonly<Record<string, number>>
}

/** The level of a logger. */
export interface LevelControl {
  /** The level now. */
  get(): string
  /** Another level from now on. */
  set(level: LogLevel): void
}

/** All that a subject knows now. */
export interface SubjectReading extends OwnReading {
  /** Upper bounds of the histograms, in milliseconds. */
  readonly bounds: readonly number[]
  /** In the order in which they were met. */
  readonly rows: readonly RowReading[]
}

/** What sources are called in metrics. */
export interface SourceNames {
  /** Behind the prefix: `data`. */
  readonly family: string
  /** Of their names: `source`. */
  readonly label: string
  /** One of them, in words. */
  readonly what: string
}

/** What a status port serves. */
export interface StatusSubject {
  /** What it is. */
  readonly kind: SubjectKind
  /** What its rows are called, in the singular: `message`. */
  readonly row: string
  /** What its sources are called in metrics. */
  readonly source: SourceNames
  /** The prefix of its metrics: `sluice_agent`. */
  readonly prefix: string
  /** Where it listens. */
  addresses(): readonly string[]
  /** What must hold for it to be ready, beside what the author has added. */
  checks(): readonly CheckState[]
  /** What it depends on and knows itself, beside the sources that the author has added. */
  sources(): readonly SourceState[]
  /** Asked once a second, and for each scrape. */
  read(): SubjectReading
  /** What it has seen lately, where it can tell. */
  readonly recent: RecentMessages | undefined
  /** Its logger's level, where that can be changed. */
  readonly logLevel: LevelControl | undefined
  /** Its metrics, as Prometheus text. */
  metrics(): string
}
