/** The process, for status pages: processor time, memory, event loop, descriptors. */
import { readdirSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import type { Exposition } from './exposition.ts'

/** One reading. Times are seconds, sizes bytes. */
export interface ProcessReading {
  readonly pid: number
  readonly node: string
  readonly platform: string
  readonly startedAt: string
  readonly uptimeSeconds: number
  /** User and system time of all threads, since the start. */
  readonly cpuSeconds: number
  readonly rssBytes: number
  readonly heapUsedBytes: number
  readonly heapTotalBytes: number
  readonly externalBytes: number
  /** The part of the time since the process began that the loop has worked, 0 to 1. */
  readonly eventLoopUtilization: number
  /** Open descriptors; undefined where the system does not say, or was not asked. */
  readonly openDescriptors: number | undefined
}

/** Reads the process as it is now. `whole`: with its descriptors, which takes the longer the more there are. */
export function readProcess(whole: boolean): ProcessReading {
  const memory = process.memoryUsage()
  const { user, system } = process.cpuUsage()
  return {
    pid: process.pid,
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
    startedAt: new Date(performance.timeOrigin).toISOString(),
    uptimeSeconds: process.uptime(),
    cpuSeconds: (user + system) / 1e6,
    rssBytes: memory.rss,
    heapUsedBytes: memory.heapUsed,
    heapTotalBytes: memory.heapTotal,
    externalBytes: memory.external,
    eventLoopUtilization: performance.eventLoopUtilization().utilization,
    openDescriptors: whole ? countDescriptors() : undefined,
  }
}

function countDescriptors(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length
  } catch {
    return undefined
  }
}

/** As Prometheus has the names of these in all its clients. */
export function exposeProcess(out: Exposition, reading: ProcessReading): void {
  out.single('process_cpu_seconds_total', 'counter', 'User and system time.', reading.cpuSeconds)
  out.single('process_resident_memory_bytes', 'gauge', 'Memory of the process.', reading.rssBytes)
  const started = Date.parse(reading.startedAt) / 1000
  out.single('process_start_time_seconds', 'gauge', 'When the process began, since 1970.', started)
  if (reading.openDescriptors !== undefined) {
    out.single('process_open_fds', 'gauge', 'Open descriptors.', reading.openDescriptors)
  }
  out.single('nodejs_heap_size_used_bytes', 'gauge', "Of V8's heap, in use.", reading.heapUsedBytes)
  out.single('nodejs_heap_size_total_bytes', 'gauge', "V8's heap.", reading.heapTotalBytes)
  out.single('nodejs_external_memory_bytes', 'gauge', 'Buffers outside of the heap.', reading.externalBytes)
  out.single(
    'nodejs_eventloop_utilization',
    'gauge',
    'The part of its time that the loop has worked.',
    reading.eventLoopUtilization,
  )
  out.family('nodejs_version_info', 'gauge', 'The version of Node.js.')
  out.sample('nodejs_version_info', 1, { version: `v${reading.node}` })
}
