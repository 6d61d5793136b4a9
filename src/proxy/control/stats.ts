/** What `proxy.stats` shows: a snapshot. */
import type { CheckStats } from '../plan/check-stats.ts'

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
