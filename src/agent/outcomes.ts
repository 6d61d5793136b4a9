import { isPromise } from '../base/promise.ts'
import { errorMessage, placeOf, SluiceError } from '../base/errors.ts'
import type { ActionWriter } from './action-writer.ts'
import type { Context } from './context.ts'
import { AgentError, type AgentErrorCode } from './errors.ts'
import type { Middleware, MessageOutcome, Registration } from './handlers.ts'
import type { LimitedLog } from './limited-log.ts'
import type { AgentMetrics } from './metrics.ts'
import type { FallbackReason, ResolvedAgentOptions } from './options.ts'

/**
 * What becomes of a message: the fallback of one that its handler did not answer, the counters and the log line that
 * say so, and the middleware that is told of every outcome.
 */
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

  /** The handler has not answered in time; `how` says more, if there is more to say. Returns what the outcome is. */
  deadline(registration: Registration, actions: ActionWriter, context: Context, how: string): AgentError {
    registration.metrics.deadlines++
    const limit = registration.deadline ?? this.#options.deadline
    const error = new AgentError('ERR_AGENT_DEADLINE', `message '${context.name}', limit ${limit} ms${how}`)
    this.fallback(registration, actions, context, 'deadline', error)
    return error
  }

  /** The handler set more than the ACK holds. Returns what the outcome is. */
  oversize(registration: Registration, actions: ActionWriter, context: Context): AgentError {
    registration.metrics.oversized++
    const error = new AgentError('ERR_AGENT_ACK_TOO_BIG', `message '${context.name}'`)
    if (this.#options.tooManyActions === 'fallback') {
      this.fallback(registration, actions, context, 'oversized', error)
    } else this.#report(registration, context, error, 'actions left out')
    return error
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
    this.#report(registration, context, error, 'message not answered by its handler')
    actions.clear()
    actions.replaced = true
    const fallback = registration.fallback ?? this.#options.fallback
    if (fallback === undefined) return
    const onError = (detail: string, cause: unknown) =>
      this.#reportOwn(
        'ERR_AGENT_FALLBACK',
        'message not answered at all',
        registration,
        context,
        detail,
        cause,
      )
    try {
      const result: unknown = fallback(actions, reason, context)
      if (isPromise(result)) watchFallback(result, actions, onError)
    } catch (thrown) {
      actions.clear()
      onError(errorMessage(thrown), thrown)
    }
  }

  /** Calls the middleware's `after`s. */
  tell(registration: Registration, context: Context, outcome: MessageOutcome): void {
    for (const each of this.#middleware) {
      try {
        // An `async` one passes the compiler.
        const result: unknown = each.after?.(context, outcome)
        if (isPromise(result))
          result.then(undefined, (error: unknown) => this.#reportAfter(registration, context, error))
      } catch (thrown) {
        this.#reportAfter(registration, context, thrown)
      }
    }
  }

  #reportAfter(registration: Registration, context: Context, cause: unknown): void {
    const detail = errorMessage(cause)
    this.#reportOwn('ERR_AGENT_MIDDLEWARE', 'middleware failed', registration, context, detail, cause)
  }

  /** What failed is not the handler: it has a code of its own, and so is not left out as one more of the same. */
  #reportOwn(
    code: AgentErrorCode,
    title: string,
    registration: Registration,
    context: Context,
    detail: string,
    cause: unknown,
  ): void {
    this.#report(
      registration,
      context,
      new AgentError(code, `message '${context.name}': ${detail}`, { cause }),
      title,
    )
  }

  #report(registration: Registration, context: Context, error: unknown, title: string): void {
    const code = error instanceof SluiceError ? error.code : 'ERR_AGENT_HANDLER'
    this.#metrics.countError(code)
    this.#log.log(
      'warn',
      `${code} ${registration.name}`,
      { code, message: context.name, connection: context.connection.id, err: error, ...placeOf(error) },
      `${title}: ${errorMessage(error)}`,
    )
  }
}

/** Fallbacks are synchronous, but an `async` one passes the compiler: what it does too late is told. */
function watchFallback(
  result: PromiseLike<void>,
  actions: ActionWriter,
  onError: (detail: string, cause: unknown) => void,
): void {
  result.then(
    () => {
      if (actions.late) onError('the fallback has set actions after it returned', undefined)
    },
    (error: unknown) => onError(errorMessage(error), error),
  )
}
