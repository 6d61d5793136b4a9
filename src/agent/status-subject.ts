/** An agent as a status page sees it. */
import { formatEndpoint, type Endpoint } from '../net/endpoint.ts'
import type { CheckState, ConnectionGroup } from '../status/readings.ts'
import type { RecentMessages } from '../status/recent.ts'
import type { LevelControl, RowReading, StatusSubject, SubjectReading } from '../status/subject.ts'
import { describeDisconnect, describeErrorCode } from './error-words.ts'
import { latencyBounds } from './metrics.ts'
import type { AnswerObserver } from './observer.ts'
import type { AgentStats, MessageStats } from './stats.ts'
import type { Verdicts } from './verdicts.ts'

/** A connection whose HELLO is over. */
export interface SeenConnection {
  readonly engineId: string
  readonly peer: string
  /** Which versions of HAProxy it may be; empty before HELLO, and for health checks. */
  readonly profile: string
  readonly inFlight: number
}

/** What of an agent is seen. */
export interface SeenAgent {
  stats(): AgentStats
  addresses(): readonly Endpoint[]
  connections(): Iterable<SeenConnection>
  isListening(): boolean
  /** In words; empty while it takes traffic. */
  whyLeaving(): string
  /** What `AgentOptions.ready` says. */
  wantsTraffic(): boolean
  metrics(): string
  /** Tells `observer` of every answer from now on. */
  observe(observer: AnswerObserver): void
}

/** Where no verdicts are counted. */
const none: Readonly<Record<string, number>> = {}

/** Nobody reads more; the others are not shown. */
const mostGroups = 50
const mostPeers = 5

/** Makes the subject of an agent's status port. */
export function createSubject(
  agent: SeenAgent,
  verdicts: Verdicts | undefined,
  recent: RecentMessages,
  logLevel: LevelControl | undefined,
): StatusSubject {
  return {
    kind: 'agent',
    row: 'message',
    prefix: 'sluice_agent',
    addresses: () => agent.addresses().map(formatEndpoint),
    checks: () => checksOf(agent),
    read: () => readAgent(agent, verdicts),
    recent,
    logLevel,
    metrics: () => agent.metrics(),
  }
}

function checksOf(agent: SeenAgent): CheckState[] {
  const leaving = agent.whyLeaving()
  const check = (name: string, ok: boolean, detail: string): CheckState => ({
    name,
    ok,
    detail: ok ? '' : detail,
  })
  return [
    check('listening', agent.isListening(), 'no address is listened on'),
    check('not draining', leaving === '', leaving),
    check('ready()', agent.wantsTraffic(), "the agent's option ready says no"),
  ]
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
    connections: groupConnections(agent.connections()),
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

interface Group {
  readonly engine: string
  readonly profile: string
  readonly peers: Set<string>
  connections: number
  inFlight: number
}

/** One group for each thread of HAProxy (up to 3.0) or each process (later): that is what has an engine-id. */
function groupConnections(connections: Iterable<SeenConnection>): ConnectionGroup[] {
  const groups = new Map<string, Group>()
  for (const { engineId: engine, profile, peer, inFlight } of connections) {
    if (profile === '') continue
    const key = `${profile} ${engine}`
    let group = groups.get(key)
    if (group === undefined) {
      if (groups.size >= mostGroups) continue
      groups.set(key, (group = { engine, profile, peers: new Set(), connections: 0, inFlight: 0 }))
    }
    group.connections++
    group.inFlight += inFlight
    if (group.peers.size < mostPeers) group.peers.add(peer.replace(/:\d+$/, ''))
  }
  return [...groups.values()].map((group) => ({ ...group, peers: [...group.peers] }))
}
