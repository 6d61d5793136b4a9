/** A snapshot of an agent's counters, for programs. */
import type { LoopLag } from '../base/loop-lag.ts'
import type { AgentMetrics, MessageMetrics } from './metrics.ts'

/** Counters of one message name; see {@link AgentStats}. */
export interface MessageStats {
  /** Messages of that name, answered or not. */
  readonly received: number
  /** The handler threw or rejected, or an argument was not as declared. */
  readonly errors: number
  /** Answered by the fallback because the deadline had passed. */
  readonly deadlines: number
  /** Answered by the fallback without a call, because too much was in flight. */
  readonly overloads: number
  /** Results and actions that came after the answer had left. */
  readonly late: number
  /** Messages of which at least one action did not fit the frame. */
  readonly oversized: number
  /** `counts[i]` values were at most `bounds[i]` milliseconds and above the bound before; the last has no bound. */
  readonly latency: {
    /** One count for each bound, and one for what is above the last. */
    readonly counts: readonly number[]
    /** Of all values, in milliseconds. */
    readonly sum: number
    /** How many values there are. */
    readonly count: number
  }
}

/** Everything that an agent counts, at one moment. Times are milliseconds, sizes bytes. */
export interface AgentStats {
  /** Whether health checks succeed. */
  readonly ready: boolean
  /** Connections, by what became of them. */
  readonly connections: {
    /** Open now, those that have not said HELLO yet among them. */
    readonly active: number
    /** Those that said HELLO; health checks are not among them. */
    readonly accepted: number
    /** Refused by `allowedPeers` or `maxConnections`. */
    readonly refused: number
    /** Reset by the peer, which is how HAProxy leaves since 3.1; those behind a health check are not counted. */
    readonly reset: number
    /** Health checks that were answered. */
    readonly healthChecks: number
  }
  /** Frames of all connections. */
  readonly frames: {
    /** Received, of whatever type. */
    readonly received: number
    /** NOTIFYs among them; one in fragments is counted once. */
    readonly notifies: number
    /** ACKs that were sent. */
    readonly acks: number
  }
  /** NOTIFYs that came in fragments. */
  readonly fragments: {
    /** Joined and handled. */
    readonly joined: number
    /** Given up by HAProxy before their end. */
    readonly aborted: number
  }
  /** What went over all connections, in bytes. */
  readonly bytes: {
    /** From HAProxy. */
    readonly received: number
    /** To HAProxy. */
    readonly sent: number
  }
  /** Messages that wait for asynchronous handlers. */
  readonly inFlight: number
  /** Messages that no handler is registered for. */
  readonly unknownMessages: number
  /** By error code. */
  readonly errors: Readonly<Record<string, number>>
  /** Connections that HAProxy has ended with another status than 0, by status; those that are not in SPOE.txt are 99. */
  readonly disconnects: Readonly<Record<string, number>>
  /** By the name of the message; those without a handler of their own are under `*`. */
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
