/** What `proxy.stats` shows: a snapshot. */
import type { ProxyRuntime } from '../runtime.ts'

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

/** Takes the snapshot. */
export function takeStats(runtime: ProxyRuntime): ProxyStats {
  return {
    connections: runtime.context.connections,
    streams: runtime.context.streams,
    frontends: runtime.frontends.map(({ name, connections, total }) => ({ name, connections, total })),
    backends: [...runtime.backends].map(({ name, streams, total, queue, servers }) => ({
      name,
      streams,
      total,
      queued: queue.size,
      servers: servers.map((server) => ({
        name: server.name,
        usable: server.usable,
        served: server.served,
        total: server.total,
        idle: server.pool.size,
      })),
    })),
    spoe: runtime.plan.proxies.flatMap((plan) =>
      runtime.filtersOf(plan).map((filter) => ({
        name: filter.plan.name,
        proxy: plan.model.name,
        ...filter.stats,
      })),
    ),
  }
}
