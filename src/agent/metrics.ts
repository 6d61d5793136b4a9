/** What an agent counts: plain numbers, incremented on the hot path, read by `stats` and by prometheus.ts. */
import { Histogram } from '../base/histogram.ts'

/** Upper bounds of the latency buckets, in milliseconds; HAProxy's processing timeouts live between 1 and 1000. */
export const latencyBounds = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500] as const

/** The counters of one message name. */
export class MessageMetrics {
  received = 0
  /** The handler threw or rejected, or an argument was not as declared. */
  errors = 0
  /** Answered by the fallback because the deadline had passed. */
  deadlines = 0
  /** Answered by the fallback without a call, because too much was in flight. */
  overloads = 0
  /** Results and actions that came after the answer had left. */
  late = 0
  /** Messages of which at least one action did not fit the frame. */
  oversized = 0
  /** From the message's turn to its result. */
  readonly latency = new Histogram(latencyBounds)
}

/** All counters of an agent. */
export class AgentMetrics {
  /** Connections that said HELLO; health checks are not among them. */
  connectionsAccepted = 0
  connectionsActive = 0
  /** Refused by `allowedPeers` or `maxConnections`. */
  connectionsRefused = 0
  /** Connections that the peer reset: HAProxy's usual way to leave since 3.1. After a health check it is not counted. */
  connectionsReset = 0
  healthChecks = 0
  framesReceived = 0
  notifies = 0
  acks = 0
  bytesReceived = 0
  bytesSent = 0
  /** Messages that wait for an asynchronous handler. */
  inFlight = 0
  /** Fragmented NOTIFYs that were joined, and that the peer gave up. */
  fragmented = 0
  aborted = 0
  /** Messages that no handler is registered for. */
  unknownMessages = 0
  /** By code of docs/errors.md. */
  readonly errors = new Map<string, number>()
  /** By the status of HAProxy's DISCONNECT, those of status 0 excepted. */
  readonly disconnects = new Map<number, number>()
  readonly messages = new Map<string, MessageMetrics>()

  countError(code: string): void {
    this.errors.set(code, (this.errors.get(code) ?? 0) + 1)
  }

  /** A status is any number that a peer likes: those beyond the known ones are counted as 99, unknown. */
  countDisconnect(status: number): void {
    const known = status <= 13 ? status : 99
    this.disconnects.set(known, (this.disconnects.get(known) ?? 0) + 1)
  }

  message(name: string): MessageMetrics {
    let metrics = this.messages.get(name)
    if (metrics === undefined) {
      metrics = new MessageMetrics()
      this.messages.set(name, metrics)
    }
    return metrics
  }
}
