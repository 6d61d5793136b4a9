/** Snapshots for tests: what is not given is as an agent has it that was just started. */
import type { StatusSnapshot } from '#src/status/snapshot.js'
import type { RowReading } from '#src/status/subject.js'

/** A row whose messages all took less than a millisecond. */
export function row(name: string, received: number, more: Partial<RowReading> = {}): RowReading {
  const latency = { counts: [received, 0, 0], sum: received / 2, count: received }
  return { name, received, failures: { errors: 0, late: 0 }, latency, verdicts: {}, ...more }
}

/** A snapshot of these rows, `cpuSeconds` into the life of its process. */
export function snapshotOf(rows: readonly RowReading[], cpuSeconds = 0): StatusSnapshot {
  return {
    snapshot: { id: 'b-1', boot: 'b', time: '2026-11-26T03:00:00.000Z' },
    subject: { kind: 'agent', row: 'message', name: 'test', version: '0', addresses: ['127.0.0.1:1'] },
    ready: true,
    checks: [{ name: 'listening', ok: true, detail: '' }],
    sources: [],
    process: {
      pid: 1,
      node: '20',
      platform: 'linux',
      startedAt: '2026-11-26T02:00:00.000Z',
      uptimeSeconds: 3600,
      cpuSeconds,
      rssBytes: 1e8,
      heapUsedBytes: 1e7,
      heapTotalBytes: 2e7,
      externalBytes: 0,
      eventLoopUtilization: 0,
      openDescriptors: undefined,
    },
    verdict: 'verdict',
    bounds: [1, 10],
    rows,
    inFlight: 0,
    eventLoopLag: { mean: 0, p99: 0, max: 0 },
    errors: [],
    connections: [],
    counters: { connections: { active: 0 } },
  }
}

/** What else the page's state has. */
export const still = { recent: null, controls: null }
