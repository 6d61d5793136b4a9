/** The counters of a proxy as Prometheus text (exposition format 0.0.4). */
import { Exposition } from '../../status/exposition.ts'
import type { BackendStats, FrontendStats, ProxyStats, StreamCounts } from './stats.ts'

type Labels = Readonly<Record<string, string>>
type Part = readonly [labels: Labels, counts: StreamCounts]

/** Renders a snapshot. */
export function formatProxyMetrics({ frontends, backends, spoe }: ProxyStats): string {
  const out = new Exposition()
  const parts: readonly Part[] = [
    ...frontends.map(({ name, ended }): Part => [{ frontend: name }, ended]),
    ...backends.map(({ name, ended }): Part => [{ backend: name }, ended]),
  ]
  exposeFrontends(out, frontends)
  exposeBackends(out, backends)
  exposeCounts(out, parts)
  exposeDurations(out, parts)
  out.family(
    'sluice_proxy_spoe_exchanges_total',
    'counter',
    'Events that a SPOE filter has asked its agent about.',
  )
  for (const { name, proxy, processed } of spoe)
    out.sample('sluice_proxy_spoe_exchanges_total', processed, { proxy, engine: name })
  out.family('sluice_proxy_spoe_errors_total', 'counter', 'Those of them that failed.')
  for (const { name, proxy, errors } of spoe)
    out.sample('sluice_proxy_spoe_errors_total', errors, { proxy, engine: name })
  return out.text
}

function exposeFrontends(out: Exposition, frontends: readonly FrontendStats[]): void {
  out.family('sluice_proxy_connections', 'gauge', 'Client connections.')
  for (const { name, connections } of frontends)
    out.sample('sluice_proxy_connections', connections, { frontend: name })
  out.family('sluice_proxy_connections_total', 'counter', 'Client connections so far.')
  for (const { name, total } of frontends)
    out.sample('sluice_proxy_connections_total', total, { frontend: name })
}

function exposeBackends(out: Exposition, backends: readonly BackendStats[]): void {
  out.family('sluice_proxy_streams', 'gauge', 'Streams in progress: requests, or connections in TCP mode.')
  for (const { name, streams } of backends) out.sample('sluice_proxy_streams', streams, { backend: name })
  out.family('sluice_proxy_streams_total', 'counter', 'Streams so far.')
  for (const { name, total } of backends) out.sample('sluice_proxy_streams_total', total, { backend: name })
  out.family('sluice_proxy_queue', 'gauge', 'Streams that wait for a server.')
  for (const { name, queued } of backends) out.sample('sluice_proxy_queue', queued, { backend: name })
}

function exposeCounts(out: Exposition, parts: readonly Part[]): void {
  const single = (name: string, help: string, read: (counts: StreamCounts) => number) => {
    out.family(name, 'counter', help)
    for (const [labels, counts] of parts) out.sample(name, read(counts), labels)
  }
  const keyed = (
    name: string,
    help: string,
    label: string,
    read: (counts: StreamCounts) => Readonly<Record<string, number>>,
  ) => {
    out.family(name, 'counter', help)
    for (const [labels, counts] of parts)
      for (const [key, count] of Object.entries(read(counts)))
        out.sample(name, count, { ...labels, [label]: key })
  }
  keyed(
    'sluice_proxy_responses_total',
    'Responses by class of their status.',
    'code',
    ({ responses }) => responses,
  )
  keyed(
    'sluice_proxy_terminations_total',
    'Streams that did not end by themselves, by their state in the log.',
    'state',
    ({ terminations }) => terminations,
  )
  single(
    'sluice_proxy_retries_total',
    'Attempts to reach a server behind the first.',
    ({ retries }) => retries,
  )
  single(
    'sluice_proxy_redispatches_total',
    'Streams that went to another server than the first.',
    ({ redispatches }) => redispatches,
  )
  single(
    'sluice_proxy_bytes_in_total',
    'Bytes of requests, as the log counts them.',
    ({ bytesIn }) => bytesIn,
  )
  single(
    'sluice_proxy_bytes_out_total',
    'Bytes of responses, as the log counts them.',
    ({ bytesOut }) => bytesOut,
  )
}

function exposeDurations(out: Exposition, parts: readonly Part[]): void {
  const name = 'sluice_proxy_duration_seconds'
  out.family(name, 'histogram', 'From the first byte of a request to its end.')
  for (const [labels, { duration }] of parts) {
    let below = 0
    duration.bounds.forEach((bound, place) => {
      below += duration.counts[place] ?? 0
      out.sample(`${name}_bucket`, below, { ...labels, le: String(bound / 1000) })
    })
    out.sample(`${name}_bucket`, duration.count, { ...labels, le: '+Inf' })
    out.sample(`${name}_sum`, duration.sum / 1000, labels)
    out.sample(`${name}_count`, duration.count, labels)
  }
}
