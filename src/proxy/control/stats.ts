/** What `proxy.stats` shows: a snapshot. */
import type { CheckStats } from '../plan/check-stats.ts'

/** What has become of streams that have ended. Counters only go up. */
export interface StreamCounts {
  /** Responses by class of their status, `1xx` to `5xx`; a stream in TCP mode has none. */
  readonly responses: Readonly<Record<string, number>>
  /** Streams that did not end by themselves, by their termination state in the log: `sH`, `CD`. */
  readonly terminations: Readonly<Record<string, number>>
  /** Those of them that neither their client nor a rule has ended, and that were not answered by an error page. */
  readonly cutOff: number
  /** Attempts to reach a server behind the first (`%rc`). */
  readonly retries: number
  /** Streams that went to another server than the first one. */
  readonly redispatches: number
  /** Of requests, as the log counts them (`%U`). */
  readonly bytesIn: number
  /** Of responses, as the log counts them (`%B`). */
  readonly bytesOut: number
  /**
   * How long they took, from the first byte of a request (or of the connection in TCP mode) to the end, in milliseconds (`%Ta`).
   * `counts[i]` were at most `bounds[i]` and above the bound before; the last count has no bound.
   */
  readonly duration: {
    /** Upper bounds, in milliseconds. */
    readonly bounds: readonly number[]
    /** One count for each bound, and one for what is above the last. */
    readonly counts: readonly number[]
    /** Of all values. */
    readonly sum: number
    /** How many there are. */
    readonly count: number
  }
}

/** A server. */
export interface ServerStats {
  /** As its line calls it. */
  readonly name: string
  /** Whether it may be chosen. */
  readonly usable: boolean
  /** Streams now. */
  readonly served: number
  /** Streams so far. */
  readonly total: number
  /** Connections that wait for a request. */
  readonly idle: number
  /** What its last health check has found; undefined before the first, and without checks. */
  readonly check: CheckStats | undefined
}

/** A backend. */
export interface BackendStats {
  /** Of the section. */
  readonly name: string
  /** Streams now. */
  readonly streams: number
  /** Streams so far. */
  readonly total: number
  /** Streams that wait for a server. */
  readonly queued: number
  /** What became of those that have ended. */
  readonly ended: StreamCounts
  /** In the order of the configuration. */
  readonly servers: readonly ServerStats[]
}

/** A frontend. */
export interface FrontendStats {
  /** Of the section. */
  readonly name: string
  /** Client connections now. */
  readonly connections: number
  /** Client connections so far. */
  readonly total: number
  /** What became of streams that ended without a backend: answered by a rule, refused, broken off. */
  readonly ended: StreamCounts
}

/** A SPOE filter. */
export interface SpoeStats {
  /** The engine, as the filter calls it. */
  readonly name: string
  /** The section with the filter. */
  readonly proxy: string
  /** Exchanges so far. */
  readonly processed: number
  /** Those of them that failed. */
  readonly errors: number
}

/** The whole proxy. */
export interface ProxyStats {
  /** Client connections now. */
  readonly connections: number
  /** Streams so far. */
  readonly streams: number
  /** In the order of the configuration. */
  readonly frontends: readonly FrontendStats[]
  /** In the order of the configuration. */
  readonly backends: readonly BackendStats[]
  /** Each SPOE filter of each proxy. */
  readonly spoe: readonly SpoeStats[]
}
