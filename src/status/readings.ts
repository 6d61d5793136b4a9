/** What is known at one moment, in plain values: of these make the server its answers, and the browser its page. */

/** A check, as it answered. */
export interface CheckState {
  readonly name: string
  readonly ok: boolean
  /** Why not; empty when all is well. */
  readonly detail: string
}

/** A source, as it answered; with `ok` decided. */
export interface SourceState {
  readonly name: string
  readonly ok: boolean
  readonly fields: Readonly<Record<string, number | string | boolean>>
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
