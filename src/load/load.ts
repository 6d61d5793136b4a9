/** A load that is ready to run, whatever it speaks. */
import { monotonic, wallClock } from '../base/clock.ts'
import type { WriteFaults } from './faulty-writer.ts'
import { Generator, type LoadEvents, type LoadPlan } from './generator.ts'
import type { Lane, LaneHost } from './lane.ts'
import { resultOf, type DescribeStatus, type LoadResult } from './result.ts'

/** Faults that are made on purpose. */
export interface LoadFaults {
  readonly write: WriteFaults | undefined
  /** Reset each connection after so many exchanges; 0: never. */
  readonly resetAfter: number
  /** Send garbage on each connection after so many exchanges; 0: never. */
  readonly garbageAfter: number
}

/** No fault at all. */
export const noFaults: LoadFaults = { write: undefined, resetAfter: 0, garbageAfter: 0 }

/** What all loads have. */
export interface LoadOptions {
  /** What reports call the other end. */
  readonly name: string
  readonly plan: LoadPlan
  /** What is told of the plan in the result. */
  readonly told: LoadResult['plan']
}

/** A load that can be run once. */
export interface Load {
  /** @throws Error when the peer cannot be reached at all, or the load makes no sense for it. */
  run(): Promise<LoadResult>
  /** Ends it early; what there is becomes the result. */
  stop(): void
}

/** What a protocol adds. */
export interface LoadParts {
  readonly makeLane: (index: number, host: LaneHost) => Lane
  readonly describe: DescribeStatus
  /** What was wrong with the first answer that was. */
  readonly firstWrong: () => string | undefined
}

/** Puts it together. */
export function createLoad(options: LoadOptions, parts: LoadParts, events: LoadEvents): Load {
  const generator = new Generator(options.plan, events)
  return { stop: () => generator.stop(), run: () => runLoad(options, parts, generator) }
}

async function runLoad(
  { name, told, plan }: LoadOptions,
  { makeLane, describe, firstWrong }: LoadParts,
  generator: Generator,
): Promise<LoadResult> {
  const startedAt = wallClock()
  const cpu = process.cpuUsage()
  const began = monotonic()
  const end = await generator.run(makeLane)
  const { user, system } = process.cpuUsage(cpu)
  return resultOf({
    target: name,
    plan: told,
    loop: plan.schedule === undefined ? 'closed' : 'open',
    startedAt,
    meter: generator.meter,
    end,
    describe,
    firstWrong: firstWrong(),
    ownCpu: (user + system) / 1000 / Math.max(1, monotonic() - began),
  })
}
