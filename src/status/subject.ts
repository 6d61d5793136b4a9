/**
 * What a status port tells of: an agent today, a proxy some day. The port knows rows with counters and a histogram, what
 * went wrong, who is connected; what a row is, its subject says.
 */
import type { CheckState } from './board.ts'

/** A histogram whose counts only go up: one count per bound, one for what is above the last; not cumulative. */
export interface LatencyReading {
  readonly counts: readonly number[]
  /** Of all values, in milliseconds. */
  readonly sum: number
  readonly count: number
}

/** One row: a message of an agent. Counters only go up. */
export interface RowReading {
  readonly name: string
  readonly received: number
  /** What was not answered as it should, by reason. */
  readonly failures: Readonly<Record<string, number>>
  readonly latency: LatencyReading
  /** How often the chosen variable was set to what. */
  readonly verdicts: Readonly<Record<string, number>>
}

/** One kind of error. */
export interface ErrorReading {
  readonly code: string
  readonly count: number
  /** What it means. */
  readonly words: string
  /** What HAProxy makes of it, where it is known: the code of `option set-on-error`, and its meaning. */
  readonly haproxy: string
}

/** Connections that belong together: those of one thread or process of HAProxy. */
export interface ConnectionGroup {
  /** HAProxy's engine-id; empty when it has none. */
  readonly engine: string
  /** Which versions it may be of, by its manners. */
  readonly profile: string
  /** Addresses, without their ports. */
  readonly peers: readonly string[]
  readonly connections: number
  readonly inFlight: number
}

/** How late the event loop was, in milliseconds. */
export interface LagReading {
  readonly mean: number
  readonly p99: number
  readonly max: number
}

/** All that a subject knows now. */
export interface SubjectReading {
  /** Upper bounds of the histograms, in milliseconds. */
  readonly bounds: readonly number[]
  readonly rows: readonly RowReading[]
  readonly inFlight: number
  readonly eventLoopLag: LagReading
  readonly errors: readonly ErrorReading[]
  readonly connections: readonly ConnectionGroup[]
  /** Other counters and gauges, in groups. */
  readonly counters: Readonly<Record<string, Readonly<Record<string, number>>>>
}

/** What a status port serves. */
export interface StatusSubject {
  /** What it is, in a word: `agent`. */
  readonly kind: string
  /** What its rows are called, in the singular: `message`. */
  readonly row: string
  /** The prefix of its metrics: `sluice_agent`. */
  readonly prefix: string
  /** Where it listens. */
  addresses(): readonly string[]
  /** What must hold for it to be ready, beside what the author has added. */
  checks(): readonly CheckState[]
  read(): SubjectReading
  /** Its metrics, as Prometheus text. */
  metrics(): string
}
