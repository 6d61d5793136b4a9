/** A span for each message of an agent: who asked, which handler, how it ended. There is none of this without `tracing`. */
import { isPromise } from '../base/promise.ts'
import {
  failSpan,
  spanKind,
  tracerName,
  type TracingApi,
  type TracingOptions,
  type TracingSpan,
  type TracingTracer,
} from '../base/tracing.ts'
import type { Actions } from './actions.ts'
import type { Context } from './context.ts'
import type { HandlerWrapper, MessageOutcome, Middleware } from './handlers.ts'

/** The spans of one agent. */
export class AgentTracing implements HandlerWrapper {
  /** Ends the span of a message when its result is known; one that no handler was called for gets one then. */
  readonly middleware: Middleware = { after: (context, outcome) => this.#finish(context, outcome) }
  readonly #api: TracingApi
  readonly #argument: string
  readonly #tracer: TracingTracer
  readonly #spans = new WeakMap<Context, TracingSpan>()

  constructor({ api, argument = 'traceparent' }: TracingOptions) {
    this.#api = api
    this.#argument = argument
    this.#tracer = api.trace.getTracer(tracerName)
  }

  /** The handler within its span: what it traces itself is a part of it. */
  wrap<Args, Result>(
    handler: (args: Args, actions: Actions, context: Context) => Result,
  ): (args: Args, actions: Actions, context: Context) => Result {
    return (args, actions, context) => {
      const parent = this.#parentOf(context)
      const span = this.#start(context, parent)
      this.#spans.set(context, span)
      const within = this.#api.trace.setSpan(parent, span)
      const result = this.#api.context.with(within, () => handler(args, actions, context))
      if (isPromise(result)) {
        // A connection that is lost, or a later question under the same ids: no result is told of then.
        const { signal } = context
        signal.addEventListener('abort', () => this.#abandon(context, signal.reason), { once: true })
      }
      return result
    }
  }

  #parentOf(context: Context): unknown {
    const given = context.message.get(this.#argument)
    const active = this.#api.context.active()
    if (given?.type !== 'string') return active
    const state = context.message.get('tracestate')
    const more = state?.type === 'string' ? { tracestate: state.value } : {}
    return this.#api.propagation.extract(active, { [this.#argument]: given.value, ...more })
  }

  #start({ name, connection }: Context, parent: unknown, startTime?: number): TracingSpan {
    const attributes = {
      'spoe.message': name,
      'spoe.engine_id': connection.engineId,
      'network.peer.address': connection.peer,
    }
    const options = { kind: spanKind.server, attributes }
    const timed = startTime === undefined ? options : { ...options, startTime }
    return this.#tracer.startSpan(`spoe ${name}`, timed, parent)
  }

  #finish(context: Context, { status, error, duration }: MessageOutcome): void {
    const span =
      this.#spans.get(context) ?? this.#start(context, this.#parentOf(context), Date.now() - duration)
    this.#spans.delete(context)
    span.setAttribute('spoe.outcome', status)
    if (status !== 'ok') failSpan(span, status, error)
    span.end()
  }

  #abandon(context: Context, reason: unknown): void {
    const span = this.#spans.get(context)
    if (span === undefined) return
    this.#spans.delete(context)
    span.setAttribute('spoe.outcome', 'abandoned')
    failSpan(span, 'abandoned', reason)
    span.end()
  }
}
