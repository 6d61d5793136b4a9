/** A load on a FastCGI application: everything that it needs put together. */
import { FcgiLane, type FcgiSettings } from './fcgi-lane.ts'
import { FcgiRequestBytes, type FcgiRequestTemplate } from './fcgi-request.ts'
import { describeFcgiStatus } from './fcgi-status.ts'
import type { LoadEvents } from './generator.ts'
import type { LoadTarget } from './link.ts'
import { createLoad, type Load, type LoadFaults, type LoadOptions } from './load.ts'
import { Random } from './random.ts'

/** What a load on an application is made of. */
export interface FcgiLoadOptions extends LoadOptions {
  readonly target: LoadTarget
  readonly request: FcgiRequestTemplate
  /** Requests at a time on each connection. php-fpm takes one. */
  readonly inFlight: number
  /** What the status of responses must be; undefined: below 500. */
  readonly expectedStatus: number | undefined
  readonly faults: LoadFaults
  /** Where random values begin. */
  readonly seed: number
}

/** Makes a load on an application. @throws UsageError `ERR_SLUICE_OPTION`, FcgiError for a request that cannot be sent. */
export function createFcgiLoad(options: FcgiLoadOptions, events: LoadEvents = {}): Load {
  const { target, inFlight, expectedStatus, faults } = options
  let firstWrong: string | undefined
  const settings: FcgiSettings = {
    target,
    request: new FcgiRequestBytes(options.request),
    inFlight,
    turn: { seq: 0, stream: 0, random: new Random(options.seed) },
    expectedStatus,
    onWrong: (words) => (firstWrong ??= words),
    writeFaults: faults.write,
    resetAfter: faults.resetAfter,
  }
  return createLoad(
    options,
    {
      makeLane: (_, host) => new FcgiLane(settings, host),
      describe: describeFcgiStatus,
      firstWrong: () => firstWrong,
    },
    events,
  )
}
