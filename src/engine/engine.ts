/**
 * HAProxy's end of SPOP without a proxy: it asks agents, and tells what they answered. It knows no configuration and no
 * samples: whoever has messages to send and a use for actions may use it.
 */
import type { MessageInput } from '../spop/notify.ts'
import type { HealthReport } from './health-check.ts'
import type { Outcome } from './outcome.ts'
import type { EngineStream } from './profile.ts'
import type { EngineStatistics } from './statistics.ts'

/** What to ask. */
export interface Request {
  /** All of them go in one NOTIFY. */
  readonly messages: readonly MessageInput[]
  /** Milliseconds until status 1. @default the engine's `processingTimeout` */
  readonly timeout?: number
  /** Ends the exchange with status 5. */
  readonly signal?: AbortSignal
  /** Whose exchange it is, see {@link Engine.createStream}. */
  readonly stream?: EngineStream
}

/** Called once per exchange, never before {@link Engine.exchange} has returned. */
export type ExchangeCallback = (outcome: Outcome) => void

/** An exchange under way. */
export interface PendingExchange {
  /** Ends it with status 5, and calls the callback before this returns; nothing happens when it has ended already. */
  cancel(): void
}

/** See {@link createEngine}. */
export interface Engine {
  /** The names of the servers: their endpoints as text. */
  readonly servers: readonly string[]
  /** A snapshot. */
  readonly stats: EngineStatistics
  /**
   * Asks, and never rejects for what an agent or the network did.
   * @throws UsageError, SpopError `ERR_SPOP_VALUE`: what was given cannot be sent (a rejection).
   */
  send(request: Request): Promise<Outcome>
  /**
   * The same without a promise, for hot paths. The messages are encoded before it returns.
   * @throws UsageError, SpopError `ERR_SPOP_VALUE`: what was given cannot be sent.
   */
  exchange(
    messages: readonly MessageInput[],
    timeout: number,
    callback: ExchangeCallback,
    stream?: EngineStream,
  ): PendingExchange
  /** Gives several exchanges one stream id and running frame ids, as HAProxy up to 3.0 does for a client's stream. */
  createStream(): EngineStream
  /** One health check as HAProxy's `option spop-check` does it. @throws UsageError for an unknown server. */
  healthCheck(server: string): Promise<HealthReport>
  /** Takes no more, ends what is under way, says goodbye to the agents. Settles when all sockets are closed. */
  close(): Promise<void>
  /** Ends every exchange with status 5 and destroys the sockets. */
  destroy(error?: Error): void
  [Symbol.asyncDispose](): Promise<void>
}
