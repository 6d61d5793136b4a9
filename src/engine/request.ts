/** What an engine is asked, how its caller is answered, and what is refused before anything is begun. */
import { longestTimer } from '../base/clock.ts'
import { isAbortSignal } from '../base/on-abort.ts'
import { refuseArgument, requireArgument } from '../base/options.ts'
import { EncodedMessages } from '../spop/encoded-messages.ts'
import { messagesRule, type MessageInput, type NotifyInput } from '../spop/notify.ts'
import type { Outcome } from './outcome.ts'
import { EngineStream } from './profile.ts'

/** What to ask. */
export interface EngineRequest {
  /** All of them go in one NOTIFY. */
  readonly messages: readonly MessageInput[]
  /** Milliseconds until status 1. @default the engine's `processingTimeout` */
  readonly timeout?: number | undefined
  /** Ends the exchange with status 5. */
  readonly signal?: AbortSignal | undefined
  /** Whose exchange it is, see `Engine.createStream`. */
  readonly stream?: EngineStream | undefined
}

/** Called once per exchange, never before `Engine.exchange` has returned. */
export type ExchangeCallback = (outcome: Outcome) => void

/** An exchange under way. */
export interface PendingExchange {
  /** Ends it with status 5, and calls the callback before this returns; nothing happens when it has ended already. */
  cancel(): void
}

const keys: readonly string[] = ['messages', 'timeout', 'signal', 'stream'] satisfies (keyof EngineRequest)[]

/** @throws UsageError `ERR_SLUICE_OPTION` for a request of another shape; its messages are the encoder's to check. */
export function checkRequest(request: EngineRequest): void {
  const isObject = typeof request === 'object' && request !== null
  requireArgument(isObject, 'send: the request', `must be an object with ${keys.join(', ')}`, request)
  for (const key in request) {
    if (!keys.includes(key))
      refuseArgument('send: each key of the request', `is one of ${keys.join(', ')}`, key)
  }
  const { signal } = request
  if (signal === undefined) return
  requireArgument(isAbortSignal(signal), 'send: the signal', 'must be an AbortSignal', signal)
}

/**
 * A few comparisons, for each exchange passes here; what is in the messages is the encoder's to check.
 * @throws UsageError `ERR_SLUICE_OPTION`.
 */
export function checkExchange(
  messages: NotifyInput,
  timeout: number,
  callback: ExchangeCallback,
  stream: EngineStream | undefined,
): void {
  if (!Array.isArray(messages) && !(messages instanceof EncodedMessages)) {
    refuseArgument('exchange: the messages', messagesRule, messages)
  }
  // Compared so that NaN is refused, too.
  if (typeof timeout !== 'number' || !(timeout >= 1 && timeout <= longestTimer)) {
    refuseArgument(
      'exchange: the timeout',
      `must be a number of milliseconds from 1 to ${longestTimer}`,
      timeout,
    )
  }
  if (typeof callback !== 'function') {
    refuseArgument('exchange: the callback', 'must be a function', callback)
  }
  if (stream !== undefined && !(stream instanceof EngineStream)) {
    refuseArgument('exchange: the stream', 'must be one that createStream() has made', stream)
  }
}
