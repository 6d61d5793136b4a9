/** Takes the snapshot that `proxy.stats` shows. */
import type { ProxyRuntime } from '../runtime.ts'
import type { ProxyStats } from './stats.ts'

/** Of this moment. */
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
        check: server.state.check,
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
