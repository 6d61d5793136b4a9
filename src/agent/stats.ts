/** A snapshot of an agent's counters, for programs. */
import type { LoopLag } from './loop-lag.ts'
import type { AgentMetrics, MessageMetrics } from './metrics.ts'

/** Counters of one message name; see {@link AgentStats}. */
export interface MessageStats {
  readonly received: number
  readonly errors: number
  readonly deadlines: number
  readonly overloads: number
  readonly late: number
  readonly oversized: number
  /** `counts[i]` values were at most `bounds[i]` milliseconds and above the bound before; the last has no bound. */
  readonly latency: { readonly counts: readonly number[]; readonly sum: number; readonly count: number }
}

/** Everything that an agent counts, at one moment. Times are milliseconds, sizes bytes. */
export interface AgentStats {
  /** Whether health checks succeed. */
  readonly ready: boolean
  readonly connections: {
    readonly active: number
    readonly accepted: number
    readonly refused: number
    readonly reset: number
    readonly healthChecks: number
  }
  readonly frames: { readonly received: number; readonly notifies: number; readonly acks: number }
  readonly fragments: { readonly joined: number; readonly aborted: number }
  readonly bytes: { readonly received: number; readonly sent: number }
  /** Messages that wait for asynchronous handlers. */
  readonly inFlight: number
  readonly unknownMessages: number
  /** By error code. */
  readonly errors: Readonly<Record<string, number>>
  /** Connections that HAProxy has ended with another status than 0, by status; those that are not in SPOE.txt are 99. */
  readonly disconnects: Readonly<Record<string, number>>
  readonly messages: ReadonlyMap<string, MessageStats>
  /** How late the event loop was in the last 10 to 20 s; HAProxy's timeouts go on meanwhile. */
  readonly eventLoopLag: LoopLag
}

/** Copies the counters. */
export function snapshot(metrics: AgentMetrics, ready: boolean, eventLoopLag: LoopLag): AgentStats {
  return {
    ready,
    connections: {
      active: metrics.connectionsActive,
      accepted: metrics.connectionsAccepted,
      refused: metrics.connectionsRefused,
      reset: metrics.connectionsReset,
      healthChecks: metrics.healthChecks,
    },
    frames: { received: metrics.framesReceived, notifies: metrics.notifies, acks: metrics.acks },
    fragments: { joined: metrics.fragmented, aborted: metrics.aborted },
    bytes: { received: metrics.bytesReceived, sent: metrics.bytesSent },
    inFlight: metrics.inFlight,
    unknownMessages: metrics.unknownMessages,
    errors: Object.fromEntries(metrics.errors),
    disconnects: Object.fromEntries(metrics.disconnects),
    messages: new Map([...metrics.messages].map(([name, each]) => [name, snapshotMessage(each)])),
    eventLoopLag,
  }
}

function snapshotMessage({ latency, ...counters }: MessageMetrics): MessageStats {
  return { ...counters, latency: { counts: [...latency.counts], sum: latency.sum, count: latency.count } }
}
