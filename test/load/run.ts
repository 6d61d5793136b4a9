/** A load on an agent of a test, with what most tests want of it. */
import { splitArgument } from '#src/cli/probe-argument.js'
import type { LoadPlan } from '#src/load/generator.js'
import type { LoadResult } from '#src/load/result.js'
import { Schedule } from '#src/load/schedule.js'
import { noFaults, type Load } from '#src/load/load.js'
import { createSpopLoad, type SpopLoadOptions } from '#src/load/spop-load.js'

/** A plan of one connection with one exchange at a time, for 300 ms. */
export function planOf(more: Partial<LoadPlan> = {}): LoadPlan {
  const connections = more.connections ?? 1
  return {
    connections,
    coldConnections: connections,
    schedule: undefined,
    warmup: 0,
    duration: 300,
    timeout: 5000,
    steps: 1,
    intervalDuration: 100,
    ...more,
  }
}

/** So many a second, for so long. */
export function openPlan(rate: number, duration: number, more: Partial<LoadPlan> = {}): LoadPlan {
  return planOf({ schedule: new Schedule([{ duration, from: rate, to: rate }]), duration, ...more })
}

/** The options of a load on a port of this machine. */
export function loadOptions(port: number, more: Partial<SpopLoadOptions> = {}): SpopLoadOptions {
  return {
    name: 'test',
    target: { endpoint: { type: 'tcp', host: '127.0.0.1', port }, tls: undefined, connectTimeout: 5000 },
    like: '3.x',
    notifies: [{ name: 'm', messages: [{ name: 'm', args: [splitArgument('ip=ip:192.0.2.1')] }] }],
    inFlight: 1,
    plan: planOf(),
    expectations: [],
    faults: noFaults,
    seed: 1,
    told: {},
    ...more,
  }
}

/**
 * Runs it to its end, or until something has been seen: how long that takes is the machine's affair.
 * @param until asked again and again.
 */
export function runLoad(
  port: number,
  more: Partial<SpopLoadOptions> = {},
  until?: () => boolean,
): Promise<LoadResult> {
  const options = loadOptions(port, more)
  return runUntil((plan) => createSpopLoad({ ...options, plan }), options.plan, until)
}

/** The same for loads of any kind. */
export async function runUntil(
  create: (plan: LoadPlan) => Load,
  plan: LoadPlan,
  until?: () => boolean,
): Promise<LoadResult> {
  const load = create(until === undefined ? plan : { ...plan, duration: 60_000 })
  const timer = setInterval(() => {
    if (until?.() === true) load.stop()
  }, 2)
  try {
    return await load.run()
  } finally {
    clearInterval(timer)
  }
}

/** How many took at least so long, by their buckets. */
export function countAbove({ buckets }: LoadResult['response'], ms: number): number {
  return buckets.reduce((sum, { bound, count }) => sum + (bound > ms ? count : 0), 0)
}
