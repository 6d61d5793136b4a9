/** How the end of a connection is told: as an error for the exchanges, and as a status for the agent. Pure. */
import { Buffer } from 'node:buffer'
import { errorMessage } from '../base/errors.ts'
import type { DisconnectFrame } from '../spop/disconnect.ts'
import { SpopError, StatusCode, statusText } from '../spop/errors.ts'
import type { EngineState } from '../spop/state.ts'
import { EngineError } from './errors.ts'
import { ErrorStatus } from './outcome.ts'

/** The socket is gone: by FIN when there is no `cause`. It is no error when nothing was `underWay`. */
export function describeLoss(
  state: EngineState,
  underWay: boolean,
  cause: Error | undefined,
): EngineError | undefined {
  const detail = cause === undefined ? 'the agent closed it' : cause.message
  if (state === 'connecting') return new EngineError('ERR_ENGINE_CONNECT', detail, { cause })
  if (state === 'greeting') {
    return new EngineError('ERR_ENGINE_CONNECTION_LOST', `${detail} before AGENT-HELLO`, { cause })
  }
  return underWay ? new EngineError('ERR_ENGINE_CONNECTION_LOST', detail, { cause }) : undefined
}

/** Something was thrown while a frame was handled. */
export function describeViolation(cause: unknown): EngineError {
  const detail = errorMessage(cause)
  if (!(cause instanceof SpopError)) return new EngineError('ERR_ENGINE_INTERNAL', detail, { cause })
  return new EngineError('ERR_ENGINE_PROTOCOL', detail, { status: ErrorStatus.Spop + cause.status, cause })
}

/** The agent leaves. */
export function describeDisconnect(
  { statusCode, message }: DisconnectFrame,
  instead: 'instead of HELLO' | undefined,
): EngineError {
  const detail = `status ${statusCode}, '${message}'${instead === undefined ? '' : `, ${instead}`}`
  return new EngineError('ERR_ENGINE_DISCONNECTED', detail, { status: ErrorStatus.Spop + statusCode })
}

/** The whole frame must fit the smallest frame size, 256 bytes. */
const maxMessageSize = 200

/** What is said to the agent when we leave: in peace with a status, or because of an error. */
export function disconnectFor(error: EngineError | undefined, status: number): DisconnectFrame {
  const statusCode = error === undefined ? status : wireStatus(error)
  const text = Buffer.from(error?.message ?? statusText(statusCode))
  const message = text.toString('utf8', 0, Math.min(text.length, maxMessageSize))
  return { type: 'haproxy-disconnect', statusCode, message }
}

function wireStatus(error: EngineError): number {
  return error.status >= ErrorStatus.Spop ? error.status - ErrorStatus.Spop : StatusCode.Unknown
}
