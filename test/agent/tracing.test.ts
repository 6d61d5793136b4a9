/** Spans of agent and engine, with the real recorder and propagator of OpenTelemetry. */
import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { createRequire } from 'node:module'
import { beforeEach, test } from 'node:test'
import * as api from '@opentelemetry/api'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base'
import { createAgent } from 'sluice/agent'
import { createEngine } from 'sluice/engine'
import { createDriver, createPair } from 'sluice/testing'

/** What `@opentelemetry/context-async-hooks` is. */
class Contexts implements api.ContextManager {
  readonly #storage = new AsyncLocalStorage<api.Context>()
  active(): api.Context {
    return this.#storage.getStore() ?? api.ROOT_CONTEXT
  }
  with<Args extends unknown[], Run extends (...args: Args) => ReturnType<Run>>(
    context: api.Context,
    run: Run,
    self?: ThisParameterType<Run>,
    ...args: Args
  ): ReturnType<Run> {
    return this.#storage.run(context, () => run.call(self as never, ...args))
  }
  bind<Bound>(_: api.Context, target: Bound): Bound {
    return target
  }
  enable(): this {
    return this
  }
  disable(): this {
    return this
  }
}

/** A dependency of the recorder's and not of ours: it is asked for from there. */
const core = createRequire(import.meta.resolve('@opentelemetry/sdk-trace-base'))('@opentelemetry/core') as {
  W3CTraceContextPropagator: new () => api.TextMapPropagator
}

const exporter = new InMemorySpanExporter()
api.trace.setGlobalTracerProvider(
  new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
)
api.propagation.setGlobalPropagator(new core.W3CTraceContextPropagator())
api.context.setGlobalContextManager(new Contexts())
beforeEach(() => exporter.reset())

const tracing = { api }
const traceId = '0af7651916cd43dd8448eb211c80319c'
const traceparent = `00-${traceId}-b7ad6b7169203331-01`

const named = (name: string): ReadableSpan => {
  const found = exporter.getFinishedSpans().filter((span) => span.name === name)
  assert.equal(
    found.length,
    1,
    `spans: ${exporter
      .getFinishedSpans()
      .map((span) => span.name)
      .join(', ')}`,
  )
  return found[0] as ReadableSpan // counted
}

test('a message continues the trace of its argument, and what its handler traces is within', async () => {
  const agent = createAgent({ tracing }).message('check', { path: 'string' }, async (_, actions) => {
    await new Promise((resolve) => setImmediate(resolve))
    api.trace.getTracer('mine').startSpan('look-up').end()
    actions.setVar('txn', 'ok', true)
  })
  const driver = createDriver(agent)
  await driver.notify('check', { path: '/', traceparent, tracestate: 'vendor=1' })
  const span = named('spoe check')
  assert.equal(span.spanContext().traceId, traceId)
  assert.equal(span.spanContext().traceState?.serialize(), 'vendor=1')
  assert.equal(span.parentSpanContext?.spanId, 'b7ad6b7169203331')
  assert.equal(span.kind, api.SpanKind.SERVER)
  assert.equal(span.status.code, api.SpanStatusCode.UNSET)
  assert.deepEqual([span.attributes['spoe.message'], span.attributes['spoe.outcome']], ['check', 'ok'])
  assert.equal(named('look-up').parentSpanContext?.spanId, span.spanContext().spanId)
  await driver.close()
})

test('without the argument, and with one that is no context, a trace begins', async () => {
  const agent = createAgent({ tracing }).otherwise(() => {})
  const driver = createDriver(agent)
  for (const args of [{}, { traceparent: 'nonsense' }, { traceparent: null }, { traceparent: 5 }]) {
    exporter.reset()
    await driver.notify('m', args)
    assert.equal(named('spoe m').parentSpanContext, undefined)
  }
  await driver.close()
})

for (const [outcome, args, deadline] of [
  ['error', { how: 'throw' }, 1000],
  ['error', { how: 5 }, 1000],
  ['deadline', { how: 'hang' }, 20],
] as const) {
  test(`a message that ends as ${outcome} is a span with an error: ${args.how}`, async () => {
    const agent = createAgent({ tracing, deadline, logger: false })
    agent.message('m', { how: 'string' }, ({ how }) => {
      if (how === 'throw') throw new Error('the reason')
      return new Promise(() => {})
    })
    const driver = createDriver(agent)
    await driver.notify('m', args)
    const span = named('spoe m')
    assert.equal(span.attributes['spoe.outcome'], outcome)
    assert.deepEqual(span.status, { code: api.SpanStatusCode.ERROR, message: outcome })
    assert.equal(span.events[0]?.name, 'exception')
    await driver.close()
  })
}

test('a message whose connection is lost ends its span', async () => {
  const agent = createAgent({ tracing, logger: false })
  const called = new Promise<void>((resolve) => {
    agent.message('m', () => {
      resolve()
      return new Promise(() => {})
    })
  })
  const driver = createDriver(agent)
  const answer = driver.notify('m', {})
  await called
  agent.destroy()
  await assert.rejects(answer)
  assert.equal(named('spoe m').attributes['spoe.outcome'], 'abandoned')
})

test('from an engine to its agent it is one trace', async () => {
  const pair = createPair({ tracing }, { tracing })
  pair.agent.message('check', { n: 'integer' }, (_, actions) => actions.setVar('txn', 'ok', true))
  const ours = api.trace.getTracer('mine').startSpan('ours')
  const outcome = await api.context.with(api.trace.setSpan(api.context.active(), ours), () =>
    pair.engine.send({ messages: [{ name: 'check', args: [['n', 1]] }] }),
  )
  ours.end()
  assert.equal(outcome.status, 0)
  const [client, server] = exporter
    .getFinishedSpans()
    .filter((span) => span.name === 'spoe check')
    .sort((a, b) => b.kind - a.kind)
  assert.equal(client?.kind, api.SpanKind.CLIENT)
  assert.equal(client.parentSpanContext?.spanId, ours.spanContext().spanId)
  assert.equal(client.attributes['spoe.status'], 0)
  assert.equal(server?.parentSpanContext?.spanId, client.spanContext().spanId)
  await pair.close()
})

test('an exchange without an agent is a span with an error, and nothing is sent that is wrong', async () => {
  const engine = createEngine({ servers: ['127.0.0.1:1'], whenDown: 'fail', tracing })
  const outcome = await engine.send({ messages: [{ name: 'm', args: [] }] })
  assert.equal(named('spoe m').attributes['spoe.status'], outcome.status)
  assert.equal(named('spoe m').status.code, api.SpanStatusCode.ERROR)
  exporter.reset()
  await assert.rejects(engine.send({ messages: [{ name: 'n', args: [['x', 1.5]] }] }))
  assert.equal(named('spoe n').status.message, 'not sent')
  await engine.close()
})

test('another argument, and one that is there already', async () => {
  const pair = createPair({}, { tracing: { api, argument: 'traceparent' } })
  const seen: string[] = []
  pair.agent.message('m', ({ args }) => void seen.push(...args.map(([name]) => name)))
  await pair.engine.send({ messages: [{ name: 'm', args: [['traceparent', 'mine']] }] })
  assert.deepEqual(seen, ['traceparent'])
  await pair.close()
})

for (const [wrong, message] of [
  [true, /must be \{ api \}/],
  [{}, /has an api that is not all/],
  [{ api: { trace: api.trace } }, /has an api that is not all/],
  [{ api, argument: '' }, /an argument that is no name/],
  [{ api, arguments: 'x' }, /has no 'arguments'/],
] as const) {
  test(`refused: ${String(message)}`, () => {
    const given = { tracing: wrong } as object
    assert.throws(() => createAgent(given), { code: 'ERR_SLUICE_OPTION', message })
    assert.throws(() => createEngine({ servers: ['127.0.0.1:1'], ...given }), {
      code: 'ERR_SLUICE_OPTION',
      message,
    })
  })
}
