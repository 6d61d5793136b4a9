/** A load on an agent: everything that it needs put together. */
import { randomUUID } from 'node:crypto'
import { Expectations, type Expectation } from './expect.ts'
import { createGarbage } from './garbage.ts'
import type { LoadEvents } from './generator.ts'
import type { LoadTarget } from './link.ts'
import { createLoad, type Load, type LoadFaults, type LoadOptions } from './load.ts'
import { NotifyPayload, type NotifyTemplate } from './notify-source.ts'
import { Pending } from './pending.ts'
import { Random } from './random.ts'
import { idLimit, SpopLane, type SpopSettings } from './spop-lane.ts'
import { mannersOf, type MannerName } from './spop-manners.ts'
import { describeStatus } from './status.ts'

/** What a load on an agent is made of. */
export interface SpopLoadOptions extends LoadOptions {
  readonly target: LoadTarget
  readonly like: MannerName
  readonly notifies: readonly NotifyTemplate[]
  readonly inFlight: number
  readonly expectations: readonly Expectation[]
  readonly faults: LoadFaults
  /** Where random values begin. */
  readonly seed: number
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
    lanes: [],
    writeFaults: faults.write,
    ruin: {
      resetAfter: faults.resetAfter,
      garbageAfter: faults.garbageAfter,
      garbage: createGarbage(new Random(options.seed)),
    },
  }
  return createLoad(
    options,
    {
      makeLane: (index, host) => new SpopLane(index, settings, host),
      describe: (status) => ({ label: `st=${status}`, words: describeStatus(status) }),
      firstWrong: () => expectations?.firstWrong,
    },
    events,
  )
}
