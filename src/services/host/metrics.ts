/** Counters of ready agents as Prometheus text, to stand behind the agent's own; of their sources the status port tells. */
import { latencyBounds } from '../../agent/metrics.ts'
import { Exposition } from '../../status/exposition.ts'
import type { Mount } from './mount.ts'

/** Whether the configuration that was read last is the one that runs, and when it was. */
export interface ReloadState {
  ok: boolean
}

/** Text for all entries. */
export function formatServiceMetrics(mounts: readonly Mount[], reload: ReloadState): string {
  const out = new Exposition()
  out.single(
    'sluice_agent_config_last_reload_success',
    'gauge',
    'Whether the configuration that was read last is the one that runs.',
    reload.ok ? 1 : 0,
  )
  formatRequests(out, mounts)
  formatDurations(out, mounts)
  return out.text
}

function formatRequests(out: Exposition, mounts: readonly Mount[]): void {
  out.family('sluice_agent_requests_total', 'counter', 'Answers by agent and verdict.')
  for (const { entry, metrics } of mounts) {
    for (const [verdict, count] of metrics.verdicts)
      out.sample('sluice_agent_requests_total', count, { agent: entry.name, verdict })
  }
  out.family(
    'sluice_agent_policy_answers_total',
    'counter',
    'Answers of the failure policy, by agent and cause.',
  )
  for (const { entry, metrics } of mounts) {
    for (const [kind, count] of metrics.failures)
      out.sample('sluice_agent_policy_answers_total', count, { agent: entry.name, kind })
  }
}

function formatDurations(out: Exposition, mounts: readonly Mount[]): void {
  const name = 'sluice_agent_duration_seconds'
  out.family(name, 'histogram', 'From a message to its answer, by agent.')
  for (const { entry, metrics } of mounts) {
    const { duration } = metrics
    const agent = entry.name
    let cumulative = 0
    latencyBounds.forEach((bound, index) => {
      cumulative += duration.counts[index] ?? 0
      out.sample(`${name}_bucket`, cumulative, { agent, le: String(bound / 1000) })
    })
    out.sample(`${name}_bucket`, duration.count, { agent, le: '+Inf' })
    out.sample(`${name}_sum`, duration.sum / 1000, { agent })
    out.sample(`${name}_count`, duration.count, { agent })
  }
}
