/**
 * HAProxy's end of SPOP without a proxy: it asks agents, and tells what they answered. It knows no configuration and no
 * samples: whoever has messages to send and a use for actions may use it.
 */
import { Buffer } from 'node:buffer'
import { randomUUID } from 'node:crypto'
import { monotonic } from '../base/clock.ts'
import { UsageError } from '../base/errors.ts'
import { onAbort } from '../base/on-abort.ts'
import { hasMethods, requireArgument, show } from '../base/options.ts'
import { EncodedMessages } from '../spop/encoded-messages.ts'
import { createReader } from '../spop/frame-head.ts'
import { decodeMessages, type MessageInput, type NotifyInput } from '../spop/notify.ts'
import type { ConnectionSettings } from './connection-host.ts'
import { EngineError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import { checkHealth, type HealthReport } from './health-check.ts'
import { resolveEngineOptions, type EngineOptions } from './options.ts'
import { failure, type Outcome } from './outcome.ts'
import { Pool } from './pool.ts'
import { EngineStream, getProfile, IdSequence } from './profile.ts'
import { recorded, type ExchangeRecorder } from './recorder.ts'
import {
  checkExchange,
  checkRequest,
  type EngineRequest,
  type ExchangeCallback,
  type PendingExchange,
} from './request.ts'
import { toSource } from './source.ts'
import type { EngineStats } from './stats.ts'
import { EngineTracing } from './tracing.ts'

/** See {@link createEngine}. */
export interface Engine {
  /** The names of the servers that there are now: of those given by their addresses, endpoints as text. */
  readonly servers: readonly string[]
  /** A snapshot. */
  readonly stats: EngineStats
  /**
   * Asks, and never rejects for what an agent or the network did.
   * @throws UsageError, SpopError `ERR_SPOP_VALUE`: what was given cannot be sent (a rejection).
   */
  send(request: EngineRequest): Promise<Outcome>
  /**
   * The same without a promise, for hot paths. The messages are encoded before it returns.
   * @throws UsageError, SpopError `ERR_SPOP_VALUE`: what was given cannot be sent.
   */
  exchange(
    messages: NotifyInput,
    timeout: number,
    callback: ExchangeCallback,
    stream?: EngineStream,
  ): PendingExchange
  /**
   * Gives several exchanges one stream id and running frame ids, as HAProxy up to 3.0 does for a client's stream.
   * @param id the stream id, from 0 to 2^32 - 1, which no other exchange of this engine may have; one of the engine's own
   * by default
   * @throws UsageError `ERR_SLUICE_OPTION` for what is no id.
   */
  createStream(id?: number): EngineStream
  /**
   * One health check as HAProxy's `option spop-check` does it, on a connection of its own.
   * @throws UsageError `ERR_SLUICE_OPTION` for an unknown server, `ERR_SLUICE_CLOSED` (a rejection).
   */
  healthCheck(server: string): Promise<HealthReport>
  /**
   * From now on `recorder` sees each exchange with its outcome, in place of the one before; undefined: nobody does.
   * @throws UsageError `ERR_SLUICE_OPTION` for what is no recorder.
   */
  record(recorder: ExchangeRecorder | undefined): void
  /** Takes no more, waits for what is under way, says goodbye to the agents. Settles when all sockets are closed. */
  close(): Promise<void>
  /** Ends every exchange, and every health check, with status 5 and destroys the sockets; `error` is the cause. */
  destroy(error?: Error): void
  /** The same as {@link Engine.close}. */
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Makes an engine. Nothing is connected before something is asked.
 *
 * @example
 * ```ts
 * import { createEngine } from 'sluice/engine'
 *
 * const engine = createEngine({ servers: ['127.0.0.1:12345'] })
 * const outcome = await engine.send({ messages: [{ name: 'check', args: [['path', '/']] }], timeout: 500 })
 * if (outcome.error === undefined) console.log(outcome.actions)
 * else console.log(outcome.status, outcome.error.message)
 * await engine.close()
 * ```
 * @throws UsageError `ERR_SLUICE_OPTION`, `ERR_SLUICE_ADDRESS`.
 */
export function createEngine(options: EngineOptions): Engine {
  const settings = resolveEngineOptions(options)
  const profile = getProfile(settings.profile)
  return new PoolEngine({
    options: settings,
    profile,
    engineId: settings.engineId === '' ? randomUUID() : settings.engineId,
    ids: new IdSequence(profile.firstId, 1),
  })
}

class PoolEngine implements Engine {
  readonly #settings: ConnectionSettings
  readonly #pool: Pool
  readonly #tracing: EngineTracing | undefined
  #recorder: ExchangeRecorder | undefined
  /** Health checks under way: their connections are none of the pool's. */
  readonly #checks = new Set<Promise<HealthReport>>()
  readonly #checking = new AbortController()
  #closing: Promise<void> | undefined

  constructor(settings: ConnectionSettings) {
    this.#settings = settings
    const { tracing } = settings.options
    this.#tracing = tracing === undefined ? undefined : new EngineTracing(tracing)
    this.#pool = new Pool(settings, toSource(settings.options.servers))
  }

  get servers(): readonly string[] {
    return this.#pool.servers.map(({ name }) => name)
  }

  get stats(): EngineStats {
    return this.#pool.stats
  }

  exchange(
    messages: NotifyInput,
    timeout: number,
    callback: ExchangeCallback,
    stream?: EngineStream,
  ): PendingExchange {
    return this.#begin(messages, timeout, callback, stream)
  }

  #begin(
    messages: NotifyInput,
    timeout: number,
    callback: ExchangeCallback,
    stream: EngineStream | undefined,
  ): Exchange {
    if (this.#tracing === undefined) return this.#beginExchange(messages, timeout, callback, stream)
    checkExchange(messages, timeout, callback, stream)
    return this.#tracing.trace(messages, callback, (carrying, seen) =>
      this.#beginExchange(carrying, timeout, seen, stream),
    )
  }

  #beginExchange(
    messages: NotifyInput,
    timeout: number,
    callback: ExchangeCallback,
    stream: EngineStream | undefined,
  ): Exchange {
    const recorder = this.#recorder
    if (recorder === undefined) return this.#pool.begin(messages, timeout, callback, stream)
    checkExchange(messages, timeout, callback, stream)
    return recorded(recorder, toMessages(messages), stream, callback, (seen) =>
      this.#pool.begin(messages, timeout, seen, stream),
    )
  }

  record(recorder: ExchangeRecorder | undefined): void {
    const isRecorder = recorder === undefined || hasMethods(recorder, 'begin')
    requireArgument(isRecorder, 'record: the recorder', 'must be an object with begin()', recorder)
    this.#recorder = recorder
  }

  send(request: EngineRequest): Promise<Outcome> {
    return new Promise((resolve) => {
      checkRequest(request)
      const { messages, signal, stream, timeout = this.#settings.options.processingTimeout } = request
      if (signal === undefined) {
        this.#begin(messages, timeout, resolve, stream)
        return
      }
      checkExchange(messages, timeout, resolve, stream)
      if (signal.aborted) return resolve(aborted(signal))
      const onOutcome = (outcome: Outcome) => {
        forget()
        resolve(outcome)
      }
      // It is never called back before this returns.
      const exchange = this.#begin(messages, timeout, onOutcome, stream)
      const forget = onAbort(signal, () => exchange.cancel(signal.reason))
    })
  }

  createStream(id: number = this.#settings.ids.take()): EngineStream {
    if (Number.isInteger(id) && id >= 0 && id <= 0xffff_ffff) return new EngineStream(id)
    throw new UsageError(
      'ERR_SLUICE_OPTION',
      `createStream: the id must be an integer of 32 bits, not ${show(id)}`,
    )
  }

  async healthCheck(server: string): Promise<HealthReport> {
    if (this.#closing !== undefined) throw new UsageError('ERR_SLUICE_CLOSED', 'the engine was closed')
    const target = this.#pool.servers.find(({ name }) => name === server)
    if (target === undefined) {
      const known = this.servers.join(', ')
      throw new UsageError('ERR_SLUICE_OPTION', `no server ${show(server)}; there are ${known}`)
    }
    const check = checkHealth(target.of, this.#settings.options, this.#checking.signal)
    this.#checks.add(check)
    return check.finally(() => this.#checks.delete(check))
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    await Promise.all([this.#pool.close(), ...this.#checks])
  }

  destroy(error?: Error): void {
    void this.close()
    this.#pool.destroy(error)
    this.#checking.abort(error)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** A recorder sees messages, whoever has encoded them. */
function toMessages(messages: NotifyInput): readonly MessageInput[] {
  return messages instanceof EncodedMessages
    ? decodeMessages(createReader(Buffer.from(messages.writer.view())))
    : messages
}

function aborted({ reason }: AbortSignal): Outcome {
  const now = monotonic()
  const error = new EngineError('ERR_ENGINE_INTERRUPTED', 'cancelled before it began', { cause: reason })
  return failure({ startedAt: now, sentAt: -1 }, error, now)
}
