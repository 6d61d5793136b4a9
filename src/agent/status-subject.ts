/** An agent as a status page sees it. */
import type { CheckState, ConnectionGroup } from '../status/readings.ts'
import type { RecentMessages } from '../status/recent.ts'
import type { LevelControl, RowReading, StatusSubject, SubjectReading } from '../status/subject.ts'
import { describeDisconnect, describeErrorCode } from './error-words.ts'
import { latencyBounds } from './metrics.ts'
import type { AnswerObserver } from './observer.ts'
import type { AgentStats, MessageStats } from './stats.ts'
import type { Verdicts } from './verdicts.ts'

/** What of an agent is seen. */
export interface SeenAgent {
  stats(): AgentStats
  addresses(): readonly string[]
  connections(): readonly ConnectionGroup[]
  /** What must hold, beside the checks of the author. */
  checks(): readonly CheckState[]
  metrics(): string
  /** Tells `observer` of every answer from now on. */
  observe(observer: AnswerObserver): void
}

/** Where no verdicts are counted. */
const none: Readonly<Record<string, number>> = {}

/** Makes the subject of an agent's status port. */
export function createSubject(
  agent: SeenAgent,
  verdicts: Verdicts | undefined,
  recent: RecentMessages | undefined,
  logLevel: LevelControl | undefined,
): StatusSubject {
  return {
    kind: 'agent',
    row: 'message',
    prefix: 'sluice_agent',
    source: { family: 'data', label: 'source', what: 'a list, a database or a store' },
    sources: () => [],
    addresses: () => agent.addresses(),
    checks: () => agent.checks(),
    read: () => readAgent(agent, verdicts),
    recent,
    logLevel,
    metrics: () => agent.metrics(),
  }
}

function readAgent(agent: SeenAgent, verdicts: Verdicts | undefined): SubjectReading {
  const stats = agent.stats()
  const { connections, frames, fragments, bytes } = stats
  return {
    bounds: latencyBounds,
    rows: [...stats.messages].map(([name, each]) => readRow(name, each, verdicts?.of(name) ?? none)),
    inFlight: stats.inFlight,
    eventLoopLag: stats.eventLoopLag,
    errors: [
      ...Object.entries(stats.errors).map(([code, count]) => describeErrorCode(code, count)),
      ...Object.entries(stats.disconnects).map(([status, count]) =>
        describeDisconnect(Number(status), count),
      ),
    ],
    connections: agent.connections(),
    counters: {
      connections,
      frames,
      fragments,
      bytes,
      messages: { unknown: stats.unknownMessages },
    },
  }
}

function readRow(name: string, stats: MessageStats, verdicts: Readonly<Record<string, number>>): RowReading {
  const { received, errors, deadlines, overloads, late, oversized, latency } = stats
  return { name, received, failures: { errors, deadlines, overloads, late, oversized }, latency, verdicts }
}
