/** Takes the snapshot that `proxy.stats` shows. */
import type { ProxyRuntime } from '../runtime.ts'
import type { ProxyStats, StreamCounts } from './stats.ts'

/** Of this moment. */
export function takeStats(runtime: ProxyRuntime): ProxyStats {
  return {
    connections: runtime.context.connections,
    streams: runtime.context.streams,
    frontends: runtime.frontends.map(({ name, connections, total, router }) => ({
      name,
      connections,
      total,
      ended: countsOf(router.tally),
    })),
    backends: [...runtime.backends].map(({ name, streams, total, queue, servers, tally }) => ({
      name,
      streams,
      total,
      queued: queue.size,
      ended: countsOf(tally),
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

function countsOf(tally: ProxyRuntime['frontends'][number]['router']['tally']): StreamCounts {
  const { terminations, cutOff, retries, redispatches, bytesIn, bytesOut, duration } = tally
  const { bounds, counts, sum, count } = duration
  return {
    responses: Object.fromEntries(tally.responses.map((each, place) => [`${place + 1}xx`, each])),
    terminations: Object.fromEntries(terminations),
    cutOff,
    retries,
    redispatches,
    bytesIn,
    bytesOut,
    duration: { bounds, counts: [...counts], sum, count },
  }
}
