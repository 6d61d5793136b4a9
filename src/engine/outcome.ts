/**
 * What becomes of an exchange: a value, always. The numbers are those of HAProxy's `option set-on-error`
 * (SPOE.txt 2.2), so that the variable can be set from them as they are.
 */
import type { Action } from '../spop/ack.ts'
import type { EngineError } from './errors.ts'
import { collectVariables, type Variables } from './variables.ts'

/**
 * The codes of `option set-on-error`. From {@link ErrorStatus.Spop} on, it is 256 plus a status of SPOE.txt 3.5:
 * 257 is an I/O error, 258 a timeout of the handshake, 260 an invalid frame.
 */
export const ErrorStatus = {
  /** The deadline of the exchange passed. */
  Timeout: 1,
  /** Too much is waiting already, see `maxQueue`. */
  Resource: 2,
  /** The messages fit no frame, and the agent takes no fragments. */
  TooBig: 3,
  /** The agent gave up a fragmented payload. */
  FragmentAborted: 4,
  /** The caller cancelled the exchange, or destroyed the engine. */
  Interrupted: 5,
  /** Something that should not happen. */
  Unknown: 255,
  /** The base of the statuses that come from the protocol. */
  Spop: 256,
} as const

/** Times of one exchange, in milliseconds with a fraction. */
export interface OutcomeTimes {
  /** From the call to the outcome: `option set-process-time`. */
  readonly processTime: number
  /** From the call until the NOTIFY was handed to a connection; -1 when that never happened. `qT` of HAProxy's log. */
  readonly queueTime: number
  /**
   * From there to the ACK, or until the connection was lost; -1 when neither came in time, or it was not sent. `wT` of
   * HAProxy's log.
   */
  readonly waitTime: number
}

/** The agent answered. */
export interface Success extends OutcomeTimes {
  /** The agent answered. */
  readonly status: 0
  /**
   * In the order of the agent. When an action is wrong, those before it are here and the rest is dropped silently, as
   * HAProxy does; `onAgentFault` is told. Bytes in values are views of what was received: copy what you keep.
   */
  readonly actions: readonly Action[]
  /** What the actions amount to: `outcome.variables.sess.get('ip_score')`. Made from `actions` when first asked for. */
  readonly variables: Variables
  /** There is none. */
  readonly error: undefined
}

/** The agent did not answer, or not usefully. */
export interface Failure extends OutcomeTimes {
  /** Never 0: see {@link ErrorStatus}. */
  readonly status: number
  /** There are none. */
  readonly actions: readonly []
  /** None, in each scope. */
  readonly variables: Variables
  /** What went wrong, with its code. */
  readonly error: EngineError
}

/** Tell them apart by `error`, or by `status`, which is 0 for {@link Success} alone. */
export type Outcome = Success | Failure

interface Timed {
  readonly startedAt: number
  readonly sentAt: number
}

const nothing: readonly [] = []

/** A class for the sake of its getter: most callers look at the actions, and pay for no map. */
class Acknowledged implements Success {
  readonly status = 0
  readonly actions: readonly Action[]
  readonly error = undefined
  readonly processTime: number
  readonly queueTime: number
  readonly waitTime: number
  #variables: Variables | undefined

  constructor({ startedAt, sentAt }: Timed, actions: readonly Action[], now: number) {
    this.actions = actions
    this.processTime = now - startedAt
    this.queueTime = sentAt - startedAt
    this.waitTime = now - sentAt
  }

  get variables(): Variables {
    this.#variables ??= collectVariables(this.actions)
    return this.#variables
  }
}

/** The outcome of an exchange that was acknowledged at `now`. */
export function success(exchange: Timed, actions: readonly Action[], now: number): Success {
  return new Acknowledged(exchange, actions, now)
}

/** The outcome of an exchange that ended at `now` without an ACK: after a time-out nobody knows for how long it was waited. */
export function failure({ startedAt, sentAt }: Timed, error: EngineError, now: number): Failure {
  return {
    status: error.status,
    actions: nothing,
    // A map of one's own: a shared one could be written to by untyped callers.
    variables: collectVariables(nothing),
    error,
    processTime: now - startedAt,
    queueTime: sentAt < 0 ? -1 : sentAt - startedAt,
    waitTime: sentAt < 0 || error.status < ErrorStatus.Spop ? -1 : now - sentAt,
  }
}
