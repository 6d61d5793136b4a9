/** What is known at one moment, in plain values: of these make the server its answers, and the browser its page. */

/** What a status port can tell of. */
export type SubjectKind = 'agent' | 'proxy'

/** A check, as it answered. */
export interface CheckState {
  /** What must hold, as `/readyz` calls it. */
  readonly name: string
  /** Whether it holds. */
  readonly ok: boolean
  /** Why not; empty when all is well. */
  readonly detail: string
}

/** A source, as it answered; with `ok` decided. */
export interface SourceState {
  /** As the page and the metrics call it. */
  readonly name: string
  /** Whether it can be used as it is now. */
  readonly ok: boolean
  /** What else it tells of itself: age, entries, and so on. */
  readonly fields: Readonly<Record<string, number | string | boolean>>
}

/** One kind of error. */
export interface ErrorReading {
  /** A code of docs/errors.md, or a status of HAProxy. */
  readonly code: string
  /** How often, since the start. */
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
  /** How many they are now. */
  readonly connections: number
  /** What waits for its answer on all of them. */
  readonly inFlight: number
}

/** How late the event loop was, in milliseconds. */
export interface LagReading {
  /** The mean of its delays. */
  readonly mean: number
  /** What 99 of 100 delays did not exceed. */
  readonly p99: number
  /** The longest delay. */
  readonly max: number
}

/** When something was read. */
export interface Moment {
  /** `boot` and a number that goes up: two answers with one id tell of one moment. */
  readonly id: string
  /** Another one after each start: counters began anew. */
  readonly boot: string
  /** ISO 8601. */
  readonly time: string
}

/** What `/stats.json` and the page tell in the same words: how the subject is, and how its surroundings are. */
export interface Standing {
  /** Of whom all this is. */
  readonly subject: {
    /** What it is. */
    readonly kind: SubjectKind
    /** What its rows are called, in the singular: `message`. */
    readonly row: string
    /** What the page calls it: the option `name`. */
    readonly name: string
    /** Of this package. */
    readonly version: string
    /** Where it listens. */
    readonly addresses: readonly string[]
  }
  /** Whether all checks are well. */
  readonly ready: boolean
  /** What must hold. */
  readonly checks: readonly CheckState[]
  /** What it depends on: lists, databases, stores. */
  readonly sources: readonly SourceState[]
  /** The variable whose values are counted; null for none. */
  readonly verdict: string | null
}

/** What a subject tells of itself beside its rows. */
export interface OwnReading {
  /** What is being answered now. */
  readonly inFlight: number
  /** How late the event loop was lately. */
  readonly eventLoopLag: LagReading
  /** What went wrong, by kind. */
  readonly errors: readonly ErrorReading[]
  /** Who is connected, in groups. */
  readonly connections: readonly ConnectionGroup[]
  /** Other counters and gauges, in groups. */
  readonly counters: Readonly<Record<string, Readonly<Record<string, number>>>>
}
