/** Why a request may go to a server once more (configuration.txt 4.2 "retry-on"). */
import type { RetryReason } from '../../config/index.ts'
import type { Backend } from '../server/backend.ts'
import type { ServerFailure } from '../server/server-transport.ts'

/** Whether the backend names any reason but `conn-failure`, the one that needs no copy of the request. */
export function hasResponseReason(backend: Backend | undefined): boolean {
  const reasons = backend?.plan.model.retryOn
  return reasons !== undefined && reasons.size > (reasons.has('conn-failure') ? 1 : 0)
}

/** As `retry-on` has it; undefined for what it has no word for. */
export function reasonOf(why: ServerFailure): RetryReason | undefined {
  switch (why) {
    case 'closed':
      return 'empty-response'
    case 'timeout':
      return 'response-timeout'
    case 'invalid':
      return 'junk-response'
    case 'overloaded':
    case 'declined':
    case 'refused':
      return undefined
  }
}
