/** What is loaded: an agent or a FastCGI application, with everything that is known before the first run. */
import type { LoadEvents, LoadPlan } from '../load/generator.ts'
import type { Load } from '../load/load.ts'
import { createFcgiLoad } from '../load/fcgi-load.ts'
import { createSpopLoad, type SpopLoadOptions } from '../load/spop-load.ts'
import { isFcgiTarget, readFcgiLoad } from './bench-fcgi.ts'
import { readMessages, readSpopLoad, type BenchOptions } from './bench-options.ts'
import { describeNotifies, readSpoeNotifies } from './bench-spoe.ts'

/** See the head of this file. */
export interface Subject {
  readonly name: string
  /** How many exchanges a stream has. */
  readonly steps: number
  /** What whoever looks on should know. */
  readonly remarks: readonly string[]
  create(plan: LoadPlan, events: LoadEvents): Load
}

/** @throws UsageError `ERR_SLUICE_ADDRESS`, `ERR_SLUICE_OPTION` for what cannot be loaded so. */
export function subjectOf(target: string, options: BenchOptions): Subject {
  if (isFcgiTarget(target)) return fcgiSubject(target, options)
  const { spoe, engine, message = [], arg = [] } = options
  const notifies =
    spoe === undefined
      ? readMessages(options)
      : readSpoeNotifies(spoe, { engine, messages: message, args: arg })
  const load = readSpopLoad(target, options, notifies)
  // What is wrong with values is known before anything is connected.
  createSpopLoad(load)
  return {
    name: target,
    steps: notifies.length,
    remarks: [...(spoe === undefined ? [] : describeNotifies(spoe, notifies)), ...remarksOn(load)],
    create: (plan, events) => createSpopLoad({ ...load, plan }, events),
  }
}

/** HAProxy since 3.1 makes another connection for the 21st NOTIFY. */
const mostStreams = 20

function remarksOn({ like, inFlight }: SpopLoadOptions): string[] {
  if (like !== '3.x' || inFlight <= mostStreams) return []
  return [
    `HAProxy 3.x never has more than ${mostStreams} NOTIFYs in flight on a connection: --inflight ${inFlight} is more`,
  ]
}

function fcgiSubject(target: string, options: BenchOptions): Subject {
  const load = readFcgiLoad(target, options)
  createFcgiLoad(load)
  return {
    name: target,
    steps: 1,
    remarks: [],
    create: (plan, events) => createFcgiLoad({ ...load, plan }, events),
  }
}
