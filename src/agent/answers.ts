import { monotonic } from '../base/clock.ts'
import type { ActionWriter } from './action-writer.ts'
import type { Context } from './context.ts'
import type { MessageOutcome, Middleware, Registration } from './handlers.ts'
import type { AnswerObserver } from './observer.ts'
import type { Outcomes } from './outcomes.ts'

/**
 * How long messages take, and who hears of their answers. The clock is read once for each answer: a message's time begins
 * where that of the one before it ended, or with the chunk that it came in.
 */
export class Answers {
  readonly #outcomes: Outcomes
  readonly #middleware: readonly Middleware[]
  /** Who hears of every answer; undefined while nobody does, which is what makes it free. */
  #observers: readonly AnswerObserver[] | undefined
  /** Of the message that was recorded last; kept up while there are observers. */
  #status: MessageOutcome['status'] = 'ok'
  #duration = 0
  /** When the work on the current message began, by the monotonic clock; after it, when it was done. */
  since = 0

  constructor(outcomes: Outcomes, middleware: readonly Middleware[]) {
    this.#outcomes = outcomes
    this.#middleware = middleware
  }

  /** Tells `observer` of every answer from now on. */
  observe(observer: AnswerObserver): void {
    this.#observers = [...(this.#observers ?? []), observer]
  }

  /** The message is answered; it was begun at `since`. */
  record(
    registration: Registration,
    context: Context,
    status: MessageOutcome['status'],
    error: unknown,
    since: number,
    now = monotonic(),
  ): void {
    const duration = now - since
    this.since = now
    registration.metrics.latency.record(duration)
    if (this.#observers !== undefined) {
      this.#status = status
      this.#duration = duration
    }
    if (this.#middleware.length > 0) this.#outcomes.tell(registration, context, { status, error, duration })
  }

  /** The actions of the message that was recorded last are as they will leave. */
  tell(registration: Registration, actions: ActionWriter, context: Context): void {
    if (this.#observers === undefined) return
    for (const each of this.#observers)
      each.onAnswer(registration, actions, context, this.#status, this.#duration)
  }
}

/** The answer is made: what is set from here on is not sent. */
export function seal({ forgotten, outrun }: Registration, actions: ActionWriter): void {
  actions.seal(actions.replaced ? outrun : forgotten)
}
