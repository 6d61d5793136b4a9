/** A load on an agent: everything that it needs put together. */
import { randomUUID } from 'node:crypto'
import { monotonic, wallClock } from '../base/clock.ts'
import { Expectations, type Expectation } from './expect.ts'
import type { WriteFaults } from './faulty-writer.ts'
import { createGarbage } from './garbage.ts'
import { Generator, type LoadEnd, type LoadEvents, type LoadPlan } from './generator.ts'
import type { LaneHost } from './lane.ts'
import type { LoadTarget } from './link.ts'
import { NotifyPayload, type NotifyTemplate } from './notify-source.ts'
import { Pending } from './pending.ts'
import { Random } from './random.ts'
import { resultOf, type LoadResult } from './result.ts'
import { idLimit, SpopLane, type SpopSettings } from './spop-lane.ts'
import { mannersOf, type MannerName } from './spop-manners.ts'

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

/** What a load on an agent is made of. */
export interface SpopLoadOptions {
  /** What reports call the agent. */
  readonly name: string
  readonly target: LoadTarget
  readonly like: MannerName
  readonly notifies: readonly NotifyTemplate[]
  readonly inFlight: number
  readonly plan: LoadPlan
  readonly expectations: readonly Expectation[]
  readonly faults: LoadFaults
  /** Where random values begin. */
  readonly seed: number
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

/** Makes a load on an agent. @throws UsageError `ERR_SLUICE_OPTION` for templates that cannot be. */
export function createSpopLoad(options: SpopLoadOptions, events: LoadEvents = {}): Load {
  const { like, plan, inFlight, faults } = options
  const manners = mannersOf(like)
  const random = new Random(options.seed)
  const expectations = options.expectations.length === 0 ? undefined : new Expectations(options.expectations)
  const lanes = Math.max(plan.connections, plan.coldConnections)
  const engineIds = Array.from({ length: lanes }, () => randomUUID())
  const settings: SpopSettings = {
    target: options.target,
    manners,
    payloads: options.notifies.map((each) => new NotifyPayload(each)),
    inFlight,
    engineIdOf: (lane) => engineIds[lane] ?? '',
    expectations,
    turn: { seq: 0, stream: 0, random },
    pending: manners.ids === 'stream' ? new Pending(lanes * inFlight, idLimit) : undefined,
    writeFaults: faults.write,
    ruin: {
      resetAfter: faults.resetAfter,
      garbageAfter: faults.garbageAfter,
      garbage: createGarbage(new Random(options.seed)),
    },
  }
  const generator = new Generator(plan, events)
  return {
    stop: () => generator.stop(),
    run: () =>
      runLoad(options, generator, expectations, (index, host) => new SpopLane(index, settings, host)),
  }
}

async function runLoad(
  { name, told, plan }: Pick<SpopLoadOptions, 'name' | 'told' | 'plan'>,
  generator: Generator,
  expectations: Expectations | undefined,
  makeLane: (index: number, host: LaneHost) => SpopLane,
): Promise<LoadResult> {
  const startedAt = wallClock()
  const cpu = process.cpuUsage()
  const began = monotonic()
  const end: LoadEnd = await generator.run(makeLane)
  const { user, system } = process.cpuUsage(cpu)
  return resultOf({
    target: name,
    plan: told,
    loop: plan.schedule === undefined ? 'closed' : 'open',
    startedAt,
    meter: generator.meter,
    end,
    firstWrong: expectations?.firstWrong,
    ownCpu: (user + system) / 1e6 / Math.max(0.001, (monotonic() - began) / 1000),
  })
}
