/** What `engine.stats` shows: a snapshot, whose numbers do not move. */
import type { ServerTrust } from './trust.ts'

/** One server. */
export interface ServerStats {
  /** The endpoint as text. */
  readonly server: string
  /** Connections that may carry exchanges. */
  readonly connections: number
  /** Connections that are being made or greeted. */
  readonly connecting: number
  /** Connections with nothing in flight. */
  readonly idle: number
  /** Connections that have room for one more NOTIFY: what HAProxy's log calls idle applets. */
  readonly free: number
  /** NOTIFYs that wait for their ACK, without the timed-out ones. */
  readonly inFlight: number
  /** Slots held by timed-out exchanges whose ACK has not come yet. */
  readonly expired: number
  /** Exchanges that wait for a connection to it. */
  readonly queued: number
  /** Attempts to connect, in all. */
  readonly connects: number
  /** Those of them that did not reach the end of the handshake. */
  readonly connectFailures: number
  /** Those of them that followed a connection that failed or was lost. */
  readonly reconnects: number
  /** What was seen of it: docs/engine.md has the table. */
  readonly trust: ServerTrust
  /** Why the last connection failed; undefined when none did. */
  readonly lastError: Error | undefined
}

/** The engine: sums over its servers, and counters since it was created. */
export interface EngineStats {
  /** Connections that may carry exchanges. */
  readonly connections: number
  /** Connections that are being made or greeted. */
  readonly connecting: number
  /** Connections with nothing in flight. */
  readonly idle: number
  /** Connections that have room for one more NOTIFY: what HAProxy's log calls idle applets. */
  readonly free: number
  /** NOTIFYs that wait for their ACK, without the timed-out ones. */
  readonly inFlight: number
  /** Exchanges that wait for a connection, to one server or to any. */
  readonly queued: number
  /** Exchanges that were begun. */
  readonly exchanges: number
  /** Those of them that an ACK ended. */
  readonly acks: number
  /** ACKs that came after their exchange had timed out or was cancelled. */
  readonly lateAcks: number
  /** Failed exchanges by status. */
  readonly errors: ReadonlyMap<number, number>
  /** Faults that were reported to `onAgentFault`. */
  readonly agentFaults: number
  /** Attempts to connect that followed a connection that failed or was lost. */
  readonly reconnects: number
  /** Each of its servers. */
  readonly servers: readonly ServerStats[]
}

/** What only counts up. */
export class Counters {
  connects = 0
  exchanges = 0
  acks = 0
  lateAcks = 0
  readonly errors = new Map<number, number>()

  failed(status: number): void {
    this.errors.set(status, (this.errors.get(status) ?? 0) + 1)
  }
}

/** A snapshot of everything. */
export function takeStats(
  from: readonly { readonly stats: ServerStats }[],
  { exchanges, acks, lateAcks, errors }: Counters,
  queued: number,
  agentFaults: number,
): EngineStats {
  const servers = from.map(({ stats }) => stats)
  const sum = (pick: (server: ServerStats) => number) =>
    servers.reduce((total, server) => total + pick(server), 0)
  return {
    connections: sum((server) => server.connections),
    connecting: sum((server) => server.connecting),
    idle: sum((server) => server.idle),
    free: sum((server) => server.free),
    inFlight: sum((server) => server.inFlight),
    queued,
    exchanges,
    acks,
    lateAcks,
    errors: new Map(errors),
    agentFaults,
    reconnects: sum((server) => server.reconnects),
    servers,
  }
}
