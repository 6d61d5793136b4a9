/**
 * Spans of OpenTelemetry, for agent and engine alike. The package is its user's and is handed in, so that whoever does not
 * trace needs none: what stands here is the little of it that is called.
 */
import { hasMethods, isPlainObject, type OptionSpec } from './options.ts'

/** A span, as far as it is used. */
export interface TracingSpan {
  setAttribute(key: string, value: string | number | boolean): unknown
  setStatus(status: { code: number; message?: string }): unknown
  recordException(error: Error): void
  end(): void
}

/** What begins spans. */
export interface TracingTracer {
  startSpan(
    name: string,
    options: { kind?: number; attributes?: Record<string, string | number>; startTime?: number },
    context: unknown,
  ): TracingSpan
}

/** `import * as api from '@opentelemetry/api'`. Contexts are handed on, and never looked at. */
export interface TracingApi {
  readonly trace: {
    getTracer(name: string): TracingTracer
    setSpan(context: unknown, span: unknown): unknown
  }
  readonly context: {
    active(): unknown
    with<Result>(context: unknown, run: () => Result): Result
  }
  readonly propagation: {
    extract(context: unknown, carrier: Record<string, string>): unknown
    inject(context: unknown, carrier: Record<string, string>): void
  }
}

/** See each key. */
export interface TracingOptions {
  /**
   * `import * as api from '@opentelemetry/api'`. Spans go where the program's own tracer provider sends them, contexts are read
   * and written by its propagator, and handlers find theirs through its context manager.
   */
  readonly api: TracingApi
  /**
   * The argument with the caller's context, such as `args traceparent=req.hdr(traceparent)` in HAProxy's file: a text. The name
   * is also that of the field which the propagator reads and writes. @default 'traceparent'
   */
  readonly argument?: string | undefined
}

/** The name of the tracer, and what its spans' names begin with. */
export const tracerName = 'sluice'
/** Numbers of the API's enumerations. */
export const spanKind = { server: 1, client: 2 } as const
/** As {@link spanKind}. */
const errorStatus = 2

/** The option `tracing`, the same for agent and engine. */
export const tracingOption: OptionSpec<TracingOptions | undefined> = {
  fallback: undefined,
  check: complaintOfTracing,
}

function complaintOfTracing(given: unknown): string | undefined {
  if (!isPlainObject(given)) return "must be { api }, all of '@opentelemetry/api'"
  const unknown = Object.keys(given).find((key) => key !== 'api' && key !== 'argument')
  if (unknown !== undefined) return `has no '${unknown}': api and argument are known`
  const { api, argument } = given as { api?: Partial<Record<keyof TracingApi, unknown>>; argument?: unknown }
  const isApi =
    hasMethods(api?.trace, 'getTracer', 'setSpan') &&
    hasMethods(api?.context, 'active', 'with') &&
    hasMethods(api?.propagation, 'extract', 'inject')
  if (!isApi) return "has an api that is not all of '@opentelemetry/api': import it as a namespace"
  if (argument !== undefined && (typeof argument !== 'string' || argument === ''))
    return 'has an argument that is no name'
  return undefined
}

/** Marks a span that did not go well, and records why. */
export function failSpan(span: TracingSpan, message: string, error: unknown): void {
  span.setStatus({ code: errorStatus, message })
  if (error instanceof Error) span.recordException(error)
}
