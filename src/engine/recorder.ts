/** Who writes down what an engine asks and is answered. */
import { callBack } from './call-back.ts'
import type { MessageInput } from '../spop/notify.ts'
import type { Outcome } from './outcome.ts'
import type { EngineStream } from './profile.ts'
import type { ExchangeCallback, PendingExchange } from './request.ts'

/** See `Engine.record`; `createRecorder` of `sluice/recording` makes one that writes a file. */
export interface ExchangeRecorder {
  /**
   * An exchange has begun. What this answers is called once with its outcome, before the caller is. The messages are the
   * caller's: they may change when this has returned.
   */
  begin(messages: readonly MessageInput[], stream: EngineStream | undefined): (outcome: Outcome) => void
}

/** Begins an exchange with `begin`, and lets the recorder see it. What the recorder throws disturbs no exchange. */
export function recorded<Pending extends PendingExchange>(
  recorder: ExchangeRecorder,
  messages: readonly MessageInput[],
  stream: EngineStream | undefined,
  callback: ExchangeCallback,
  begin: (callback: ExchangeCallback) => Pending,
): Pending {
  let finish: ((outcome: Outcome) => void) | undefined
  // Begun first: what cannot be sent is refused before it is recorded, and no outcome comes before this has returned.
  const exchange = begin((outcome) => {
    const done = finish
    if (done !== undefined) callBack(() => done(outcome))
    callback(outcome)
  })
  callBack(() => (finish = recorder.begin(messages, stream)))
  return exchange
}
