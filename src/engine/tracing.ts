/** A span for each exchange of an engine, and its context in an argument, where an agent finds it. */
import {
  failSpan,
  spanKind,
  tracerName,
  type TracingApi,
  type TracingOptions,
  type TracingTracer,
} from '../base/tracing.ts'
import { EncodedMessages } from '../spop/encoded-messages.ts'
import type { MessageInput, NotifyInput } from '../spop/notify.ts'
import type { ExchangeCallback, PendingExchange } from './request.ts'

type Begin<Pending> = (messages: NotifyInput, callback: ExchangeCallback) => Pending

/** The spans of one engine. */
export class EngineTracing {
  readonly #api: TracingApi
  readonly #argument: string
  readonly #tracer: TracingTracer

  constructor({ api, argument = 'traceparent' }: TracingOptions) {
    this.#api = api
    this.#argument = argument
    this.#tracer = api.trace.getTracer(tracerName)
  }

  /** Begins an exchange within a span. The caller hears of its outcome in its own context. */
  trace<Pending extends PendingExchange>(
    messages: NotifyInput,
    callback: ExchangeCallback,
    begin: Begin<Pending>,
  ): Pending {
    const parent = this.#api.context.active()
    // What was encoded already is sent as it is: its agent finds no context.
    const encoded = messages instanceof EncodedMessages
    const names = encoded ? 'encoded' : messages.map(({ name }) => name).join(' ')
    const options = { kind: spanKind.client, attributes: { 'spoe.messages': names } }
    const span = this.#tracer.startSpan(`spoe ${names}`, options, parent)
    const carrier: Record<string, string> = {}
    this.#api.propagation.inject(this.#api.trace.setSpan(parent, span), carrier)
    try {
      return begin(encoded ? messages : this.#carry(messages, carrier), (outcome) => {
        span.setAttribute('spoe.status', outcome.status)
        if (outcome.error !== undefined) failSpan(span, outcome.error.code, outcome.error)
        span.end()
        this.#api.context.with(parent, () => callback(outcome))
      })
    } catch (error) {
      failSpan(span, 'not sent', error)
      span.end()
      throw error
    }
  }

  /** Each message with the context behind its arguments; one that has such an argument keeps it. */
  #carry(messages: readonly MessageInput[], carrier: Readonly<Record<string, string>>): MessageInput[] {
    const fields = [this.#argument, 'tracestate'].flatMap((name) => {
      const value = carrier[name]
      return value === undefined ? [] : [[name, value] as const]
    })
    return messages.map((message) => {
      if (message.args.some(([name]) => name === this.#argument)) return message
      return { name: message.name, args: [...message.args, ...fields] }
    })
  }
}
