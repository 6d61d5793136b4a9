/** A proxy as a status page sees it: backends are its rows, servers what they depend on. */
import type { Endpoint } from '../../net/endpoint.ts'
import { formatEndpoint } from '../../net/endpoint.ts'
import type { CheckState, ErrorReading, LagReading, SourceState } from '../../status/readings.ts'
import type { RowReading, StatusSubject, SubjectReading } from '../../status/subject.ts'
import { formatProxyMetrics } from './prometheus.ts'
import type { ProxyStats, ServerStats, StreamCounts } from './stats.ts'
import { describeTermination } from './termination-words.ts'

/** What of a proxy is seen. */
export interface SeenProxy {
  readonly stats: ProxyStats
  /** By the name of the frontend. */
  readonly addresses: ReadonlyMap<string, readonly Endpoint[]>
  readonly lag: LagReading
  /** Whether it accepts connections, and goes on to. */
  readonly state: 'starting' | 'listening' | 'closing'
}

/** Makes the subject of a proxy's status port. */
export function createProxySubject(proxy: SeenProxy): StatusSubject {
  return {
    kind: 'proxy',
    row: 'backend',
    prefix: 'sluice_proxy',
    source: { family: 'server', label: 'server', what: 'a server' },
    addresses: () => [...proxy.addresses.values()].flat().map(formatEndpoint),
    checks: () => checksOf(proxy),
    sources: () => readServers(proxy.stats),
    read: () => readProxy(proxy),
    recent: undefined,
    logLevel: undefined,
    metrics: () => formatProxyMetrics(proxy.stats),
  }
}

function checksOf({ state }: SeenProxy): CheckState[] {
  return [
    { name: 'listening', ok: state !== 'starting', detail: state === 'starting' ? 'not yet' : '' },
    { name: 'not closing', ok: state !== 'closing', detail: state === 'closing' ? 'closing' : '' },
  ]
}

function readProxy({ stats, addresses, lag }: SeenProxy): SubjectReading {
  const { frontends, backends } = stats
  const own = frontends.filter(({ ended }) => ended.duration.count > 0)
  const rows = [
    ...backends.map(({ name, ended }) => readRow(name, ended)),
    // In a `listen` both sides have one name.
    ...own.map(({ name, ended }) => readRow(`${name}, without a backend`, ended)),
  ]
  return {
    bounds: frontends[0]?.ended.duration.bounds ?? [],
    rows,
    inFlight: backends.reduce((sum, { streams }) => sum + streams, 0),
    eventLoopLag: lag,
    errors: readErrors([...frontends, ...backends].map(({ ended }) => ended)),
    connections: frontends.map(({ name, connections }) => ({
      engine: '',
      profile: name,
      peers: (addresses.get(name) ?? []).map(formatEndpoint),
      connections,
      inFlight: 0,
    })),
    counters: {
      connections: { active: stats.connections },
      streams: { total: stats.streams },
      queue: Object.fromEntries(backends.map(({ name, queued }) => [name, queued])),
    },
  }
}

function readRow(name: string, { responses, cutOff, duration }: StreamCounts): RowReading {
  const met = Object.entries(responses).filter(([, count]) => count > 0)
  return {
    name,
    received: duration.count,
    failures: { '5xx': responses['5xx'] ?? 0, 'cut off': cutOff },
    latency: duration,
    verdicts: Object.fromEntries(met),
  }
}

function readErrors(all: readonly StreamCounts[]): ErrorReading[] {
  const counts = new Map<string, number>()
  for (const { terminations } of all) {
    for (const [state, count] of Object.entries(terminations))
      counts.set(state, (counts.get(state) ?? 0) + count)
  }
  // What a rule has answered is no error.
  return [...counts]
    .filter(([state]) => !state.startsWith('L'))
    .map(([code, count]) => ({ code, count, words: describeTermination(code), haproxy: '' }))
}

function readServers({ backends }: ProxyStats): SourceState[] {
  return backends.flatMap(({ name, servers }) =>
    servers.map((server) => ({
      name: `${name}/${server.name}`,
      ok: server.usable,
      fields: fieldsOf(server),
    })),
  )
}

function fieldsOf({ usable, served, total, idle, check }: ServerStats): SourceState['fields'] {
  const own = { kind: usable ? 'up' : 'down', served, total, idle }
  if (check === undefined) return own
  const code = check.code === undefined ? '' : `, code ${check.code}`
  // What an application says of itself may have any name.
  return { ...check.values, ...own, detail: `${check.status}${code}`, latencyMs: check.duration }
}
