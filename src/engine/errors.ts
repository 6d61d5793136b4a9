/**
 * What can go wrong at the engine's end. Agent and network faults are never thrown: they are the `error` of an
 * outcome, or are told to `onAgentFault`.
 */
import { SluiceError, withDetail, type ErrorAbout, type Fault } from '../base/errors.ts'

/** Every code of this layer: who is to blame, and the code of `option set-on-error` that comes with it. */
export const engineFaults = {
  ERR_ENGINE_TIMEOUT: { status: 1, fault: 'peer', message: 'the agent did not answer in time' },
  ERR_ENGINE_QUEUE_TIMEOUT: { status: 1, fault: 'io', message: 'no connection took the exchange in time' },
  ERR_ENGINE_QUEUE_FULL: { status: 2, fault: 'local', message: 'too many exchanges are waiting' },
  ERR_ENGINE_NO_SERVER: { status: 2, fault: 'io', message: 'no server may be asked' },
  ERR_ENGINE_TOO_BIG: { status: 3, fault: 'local', message: 'the messages do not fit' },
  ERR_ENGINE_FRAGMENT_ABORTED: {
    status: 4,
    fault: 'peer',
    message: 'the agent gave up a fragmented payload',
  },
  ERR_ENGINE_INTERRUPTED: { status: 5, fault: 'local', message: 'the exchange was interrupted' },
  ERR_ENGINE_INTERNAL: { status: 255, fault: 'local', message: 'an unexpected exception' },
  ERR_ENGINE_CONNECT: { status: 257, fault: 'io', message: 'cannot connect' },
  ERR_ENGINE_CONNECTION_LOST: { status: 257, fault: 'io', message: 'the connection was lost' },
  ERR_ENGINE_UNAVAILABLE: { status: 257, fault: 'io', message: 'no agent is available' },
  ERR_ENGINE_HELLO_TIMEOUT: { status: 258, fault: 'peer', message: 'the agent did not answer HELLO in time' },
  ERR_ENGINE_UNRESPONSIVE: { status: 258, fault: 'peer', message: 'the agent answers nothing' },
  ERR_ENGINE_DISCONNECTED: { status: 256, fault: 'peer', message: 'the agent disconnected' },
  ERR_ENGINE_PROTOCOL: { status: 260, fault: 'peer', message: 'the agent broke the protocol' },
  ERR_ENGINE_UNKNOWN_ACK: { status: 0, fault: 'peer', message: 'an ACK matches no NOTIFY' },
  ERR_ENGINE_UNKNOWN_FRAME: { status: 0, fault: 'peer', message: 'a frame of an unknown type' },
  ERR_ENGINE_BAD_ACTION: {
    status: 0,
    fault: 'peer',
    message: 'an action is wrong, it and the rest are dropped',
  },
  ERR_ENGINE_HEALTH: { status: 260, fault: 'peer', message: 'the answer to the health check is wrong' },
} as const satisfies Record<string, { status: number; fault: Fault; message: string }>

/** A code of {@link engineFaults}. */
export type EngineErrorCode = keyof typeof engineFaults

/** An exchange that failed, or a fault of an agent. */
export class EngineError extends SluiceError<EngineErrorCode> {
  /** The code of `option set-on-error`; 0 for faults that fail no exchange. */
  readonly status: number

  constructor(code: EngineErrorCode, detail?: string, about: Pick<ErrorAbout, 'status' | 'cause'> = {}) {
    const { fault, message, status } = engineFaults[code]
    super(code, withDetail(message, detail), { fault, cause: about.cause })
    this.status = about.status ?? status
  }
}
