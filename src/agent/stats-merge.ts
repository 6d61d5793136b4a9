/** Adds up the statistics of several agents. */
import { latencyBounds } from './metrics.ts'
import type { AgentStats, MessageStats } from './stats.ts'

type Numbers = Readonly<Record<string, number>>

function sum<Record extends Numbers>(records: readonly Record[], keys: readonly (keyof Record)[]): Record {
  const total = Object.fromEntries(
    keys.map((key) => [key, records.reduce((all, each) => all + (each[key] ?? 0), 0)]),
  )
  return total as unknown as Record
}

/**
 * The sum of all counters; of the event loop's lag, the worst. Of agents in `ended` only what counts upwards is taken:
 * what is open, waits or lags there is gone.
 */
export function mergeStats(live: readonly AgentStats[], ended: readonly AgentStats[] = []): AgentStats {
  const all = [...live, ...ended.map(withoutGauges)]
  const messages = new Map<string, MessageStats>()
  const errors: Record<string, number> = {}
  const disconnects: Record<string, number> = {}
  for (const stats of all) {
    for (const [name, each] of stats.messages) messages.set(name, mergeMessage(messages.get(name), each))
    addUp(errors, stats.errors)
    addUp(disconnects, stats.disconnects)
  }
  const lags = live.map((stats) => stats.eventLoopLag)
  const worst = (key: 'mean' | 'p99' | 'max') => Math.max(0, ...lags.map((lag) => lag[key]))
  return {
    connections: sum(
      all.map((stats) => stats.connections),
      ['active', 'accepted', 'refused', 'reset', 'healthChecks'],
    ),
    frames: sum(
      all.map((stats) => stats.frames),
      ['received', 'notifies', 'acks'],
    ),
    fragments: sum(
      all.map((stats) => stats.fragments),
      ['joined', 'aborted'],
    ),
    bytes: sum(
      all.map((stats) => stats.bytes),
      ['received', 'sent'],
    ),
    ready: live.length > 0 && live.every((stats) => stats.ready),
    inFlight: all.reduce((total, stats) => total + stats.inFlight, 0),
    unknownMessages: all.reduce((total, stats) => total + stats.unknownMessages, 0),
    errors,
    disconnects,
    messages,
    eventLoopLag: { mean: worst('mean'), p99: worst('p99'), max: worst('max') },
  }
}

function addUp(total: Record<string, number>, counts: Numbers): void {
  for (const [key, count] of Object.entries(counts)) total[key] = (total[key] ?? 0) + count
}

function withoutGauges(stats: AgentStats): AgentStats {
  return { ...stats, connections: { ...stats.connections, active: 0 }, inFlight: 0 }
}

function mergeMessage(before: MessageStats | undefined, each: MessageStats): MessageStats {
  if (before === undefined) return each
  const counters = ['received', 'errors', 'deadlines', 'overloads', 'late', 'oversized'] as const
  const total = Object.fromEntries(counters.map((key) => [key, before[key] + each[key]]))
  const counts = Array.from({ length: latencyBounds.length + 1 }, (_, index) => {
    return (before.latency.counts[index] ?? 0) + (each.latency.counts[index] ?? 0)
  })
  return {
    ...(total as unknown as MessageStats),
    latency: {
      counts,
      sum: before.latency.sum + each.latency.sum,
      count: before.latency.count + each.latency.count,
    },
  }
}
