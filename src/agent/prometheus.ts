/** An agent's counters as Prometheus text (exposition format 0.0.4). */
import { requireArgument } from '../base/options.ts'
import { Exposition } from '../status/exposition.ts'
import { latencyBounds } from './metrics.ts'
import type { AgentStats, MessageStats } from './stats.ts'

/**
 * Renders a snapshot. Serve it with `content-type: text/plain; version=0.0.4`.
 * @throws UsageError `ERR_SLUICE_OPTION` for what is none.
 */
export function formatPrometheus(stats: AgentStats): string {
  const isStats = typeof stats === 'object' && stats !== null && stats.messages instanceof Map
  requireArgument(
    isStats,
    'formatPrometheus: the statistics',
    'must be those of an agent or a cluster',
    stats,
  )
  const out = new Exposition()
  out.single('sluice_agent_ready', 'gauge', 'Whether health checks succeed.', stats.ready ? 1 : 0)
  formatConnections(out, stats)
  out.single('sluice_agent_frames_received_total', 'counter', 'Frames received.', stats.frames.received)
  out.single('sluice_agent_notifies_total', 'counter', 'NOTIFY frames received.', stats.frames.notifies)
  out.single('sluice_agent_acks_total', 'counter', 'ACK frames sent.', stats.frames.acks)
  out.single(
    'sluice_agent_fragments_joined_total',
    'counter',
    'Fragmented NOTIFYs joined.',
    stats.fragments.joined,
  )
  out.single(
    'sluice_agent_fragments_aborted_total',
    'counter',
    'Fragmented NOTIFYs aborted.',
    stats.fragments.aborted,
  )
  out.single('sluice_agent_bytes_received_total', 'counter', 'Bytes received.', stats.bytes.received)
  out.single('sluice_agent_bytes_sent_total', 'counter', 'Bytes sent.', stats.bytes.sent)
  out.single('sluice_agent_in_flight', 'gauge', 'Messages waiting for a handler.', stats.inFlight)
  out.single(
    'sluice_agent_unknown_messages_total',
    'counter',
    'Messages without a handler.',
    stats.unknownMessages,
  )
  out.family('sluice_agent_errors_total', 'counter', 'Errors by code.')
  for (const [code, count] of Object.entries(stats.errors))
    out.sample('sluice_agent_errors_total', count, { code })
  out.family('sluice_agent_disconnects_total', 'counter', 'Connections that HAProxy ended for a reason.')
  for (const [status, count] of Object.entries(stats.disconnects))
    out.sample('sluice_agent_disconnects_total', count, { status })
  formatMessages(out, stats.messages)
  const lag = stats.eventLoopLag
  out.family('sluice_agent_event_loop_lag_seconds', 'gauge', 'Delay of the event loop.')
  out.sample('sluice_agent_event_loop_lag_seconds', lag.mean / 1000, { stat: 'mean' })
  out.sample('sluice_agent_event_loop_lag_seconds', lag.p99 / 1000, { stat: 'p99' })
  out.sample('sluice_agent_event_loop_lag_seconds', lag.max / 1000, { stat: 'max' })
  return out.text
}

function formatConnections(out: Exposition, { connections }: AgentStats): void {
  out.single('sluice_agent_connections', 'gauge', 'Connections that are open.', connections.active)
  out.family('sluice_agent_connections_total', 'counter', 'Connections by what became of them.')
  for (const result of ['accepted', 'refused', 'reset'] as const) {
    out.sample('sluice_agent_connections_total', connections[result], { result })
  }
  out.single(
    'sluice_agent_health_checks_total',
    'counter',
    'Health checks answered.',
    connections.healthChecks,
  )
}

function formatMessages(out: Exposition, messages: ReadonlyMap<string, MessageStats>): void {
  out.family('sluice_agent_messages_total', 'counter', 'Messages received, by name.')
  for (const [message, each] of messages)
    out.sample('sluice_agent_messages_total', each.received, { message })
  out.family(
    'sluice_agent_message_failures_total',
    'counter',
    'Messages not answered by their handler, by reason.',
  )
  for (const [message, each] of messages) {
    for (const reason of ['errors', 'deadlines', 'overloads'] as const) {
      out.sample('sluice_agent_message_failures_total', each[reason], { message, reason })
    }
  }
  out.family('sluice_agent_late_results_total', 'counter', 'Results that came after the answer, by message.')
  for (const [message, each] of messages)
    out.sample('sluice_agent_late_results_total', each.late, { message })
  out.family('sluice_agent_oversized_total', 'counter', 'Messages whose actions did not all fit the frame.')
  for (const [message, each] of messages)
    out.sample('sluice_agent_oversized_total', each.oversized, { message })
  const name = 'sluice_agent_message_duration_seconds'
  out.family(name, 'histogram', 'From a message to its result.')
  for (const [message, { latency }] of messages) {
    let cumulative = 0
    latencyBounds.forEach((bound, index) => {
      cumulative += latency.counts[index] ?? 0
      out.sample(`${name}_bucket`, cumulative, { message, le: String(bound / 1000) })
    })
    out.sample(`${name}_bucket`, latency.count, { message, le: '+Inf' })
    out.sample(`${name}_sum`, latency.sum / 1000, { message })
    out.sample(`${name}_count`, latency.count, { message })
  }
}
