/** What went wrong on a connection: as an error with a code, and as the status of the DISCONNECT that says so. Pure. */
import { errorMessage, SluiceError } from '../base/errors.ts'
import { SpopError, StatusCode } from '../spop/errors.ts'
import { AgentError } from './errors.ts'

/** Something was thrown while a frame was taken: what has no code is a mistake of ours. */
export function describeFault(thrown: unknown): SluiceError {
  if (thrown instanceof SluiceError) return thrown
  return new AgentError('ERR_AGENT_INTERNAL', errorMessage(thrown), { cause: thrown })
}

const timeouts: readonly string[] = ['ERR_AGENT_HANDSHAKE_TIMEOUT', 'ERR_AGENT_RECEIVE_TIMEOUT']

/** The status for the peer. */
export function statusOf(error: SluiceError): number {
  if (error instanceof SpopError) return error.status
  return timeouts.includes(error.code) ? StatusCode.Timeout : StatusCode.Unknown
}
