/**
 * What becomes of a message: the fallback of one that its handler did not answer, the counters and the log line that
 * say so, and the middleware that is told of every outcome.
 */
import { errorMessage, SluiceError } from '../errors.ts'
import type { ActionWriter } from './actions.ts'
import type { Context } from './context.ts'
import { AgentError } from './errors.ts'
import type { Middleware, MessageOutcome, Registration } from './handlers.ts'
import type { LimitedLog } from './limited-log.ts'
import type { AgentMetrics } from './metrics.ts'
import type { FallbackReason, ResolvedAgentOptions } from './options.ts'

/** See the head of this file. */
export class Outcomes {
  readonly #options: ResolvedAgentOptions
  readonly #metrics: AgentMetrics
  readonly #log: LimitedLog
  readonly #middleware: readonly Middleware[]

  constructor(
    options: ResolvedAgentOptions,
    metrics: AgentMetrics,
    log: LimitedLog,
    middleware: readonly Middleware[],
  ) {
    this.#options = options
    this.#metrics = metrics
    this.#log = log
    this.#middleware = middleware
  }

  /** Too much is waited for already: the handler is not called. Returns what the outcome is. */
  overload(registration: Registration, actions: ActionWriter, context: Context): AgentError {
    registration.metrics.overloads++
    const error = new AgentError('ERR_AGENT_OVERLOAD', `message '${context.name}'`)
    this.fallback(registration, actions, context, 'overload', error)
    return error
  }

  /** The handler set more than the ACK holds. */
  oversize(registration: Registration, actions: ActionWriter, context: Context): void {
    registration.metrics.oversized++
    const error = new AgentError('ERR_AGENT_ACK_TOO_BIG', `message '${context.name}'`)
    if (this.#options.tooManyActions === 'fallback') {
      return this.fallback(registration, actions, context, 'oversized', error)
    }
    this.#report(registration, context, error)
  }

  /** Replaces the actions by those of the fallback. */
  fallback(
    registration: Registration,
    actions: ActionWriter,
    context: Context,
    reason: FallbackReason,
    error: unknown,
  ): void {
    if (reason === 'error') registration.metrics.errors++
    this.#report(registration, context, error)
    actions.clear()
    const fallback = registration.fallback ?? this.#options.fallback
    if (fallback === undefined) return
    try {
      this.#expectDone(fallback(actions, reason, context), registration, context)
    } catch (thrown) {
      actions.clear()
      this.#report(registration, context, thrown)
    }
  }

  /** Calls the middleware's `after`s. */
  tell(registration: Registration, context: Context, outcome: MessageOutcome): void {
    for (const each of this.#middleware) {
      try {
        this.#expectDone(each.after?.(context, outcome), registration, context)
      } catch (thrown) {
        this.#report(registration, context, thrown)
      }
    }
  }

  #report(registration: Registration, context: Context, error: unknown): void {
    const code = error instanceof SluiceError ? error.code : 'ERR_AGENT_HANDLER'
    this.#metrics.countError(code)
    this.#log.log(
      'warn',
      `${code} ${registration.name}`,
      { code, message: context.name, connection: context.connection.id, err: error },
      `message not answered by its handler: ${errorMessage(error)}`,
    )
  }

  /** Fallbacks and `after`s are synchronous, but an `async` one passes the compiler: its failure is told, too. */
  #expectDone(result: unknown, registration: Registration, context: Context): void {
    if (isPromise(result))
      result.then(undefined, (error: unknown) => this.#report(registration, context, error))
  }
}

/** Whether it has a `then` to call. */
export function isPromise(value: unknown): value is PromiseLike<void> {
  return (
    typeof value === 'object' && value !== null && typeof (value as PromiseLike<void>).then === 'function'
  )
}
