/** What can go wrong in a ready agent beside the agent that hosts it. */
import { SluiceError, withDetail, type ErrorAbout, type Fault } from '../base/errors.ts'

/** Every code that ready agents throw or report. */
export const serviceFaults = {
  ERR_SERVICE_CONFIG: { message: 'the configuration of ready agents is wrong', fault: 'local' },
  ERR_SERVICE_AGENT: { message: 'a ready agent cannot be loaded', fault: 'local' },
  ERR_SERVICE_PACKAGE: { message: 'an optional package is not installed', fault: 'local' },
  ERR_SERVICE_DATA: { message: 'data cannot be used', fault: 'io' },
  ERR_SERVICE_STORE: { message: 'the shared store cannot be used', fault: 'io' },
} as const satisfies Record<string, { message: string; fault: Fault }>

/** A code of {@link serviceFaults}. */
export type ServiceErrorCode = keyof typeof serviceFaults

/** An error of a ready agent; see docs/errors.md for each code. */
export class ServiceError extends SluiceError<ServiceErrorCode> {
  constructor(code: ServiceErrorCode, detail?: string, about: Pick<ErrorAbout, 'cause'> = {}) {
    const { message, fault } = serviceFaults[code]
    super(code, withDetail(message, detail), { fault, cause: about.cause })
  }
}
