/** What `proxy.stats` shows: a snapshot. */
import type { CheckStats } from '../plan/check-stats.ts'

/** A server. */
export interface ServerStats {
  readonly name: string
  /** Whether it may be chosen. */
  readonly usable: boolean
  /** Streams now, and in all. */
  readonly served: number
  readonly total: number
  /** Connections that wait for a request. */
  readonly idle: number
  /** What its last health check has found; undefined before the first, and without checks. */
  readonly check: CheckStats | undefined
}

/** A backend. */
export interface BackendStats {
  readonly name: string
  /** Streams now, and in all. */
  readonly streams: number
  readonly total: number
  /** Streams that wait for a server. */
  readonly queued: number
  readonly servers: readonly ServerStats[]
}

/** A frontend. */
export interface FrontendStats {
  readonly name: string
  /** Client connections now, and in all. */
  readonly connections: number
  readonly total: number
}

/** A SPOE filter. */
export interface SpoeStats {
  readonly name: string
  /** The section with the filter. */
  readonly proxy: string
  /** Exchanges so far, and those of them that failed. */
  readonly processed: number
  readonly errors: number
}

/** The whole proxy. */
export interface ProxyStats {
  /** Client connections now. */
  readonly connections: number
  /** Streams so far. */
  readonly streams: number
  readonly frontends: readonly FrontendStats[]
  readonly backends: readonly BackendStats[]
  readonly spoe: readonly SpoeStats[]
}
