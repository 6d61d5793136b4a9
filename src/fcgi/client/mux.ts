import type { Socket } from 'node:net'
import { Deadlines } from '../../base/deadlines.ts'
import type { Logger } from '../../base/logger.ts'
import { resolveOptions } from '../../base/options.ts'
import type { Specs } from '../../base/options.ts'
import type { Liveness } from '../../http1/index.ts'
import { FcgiError } from '../errors.ts'
import { FcgiConnection } from './connection.ts'
import type { ExchangeHandler, ExchangeRequest, FcgiExchange } from './exchange-types.ts'
import type { ExchangeDeadline } from './exchange-deadline.ts'
import { Exchange } from './exchange.ts'
import type { ExchangeOwner } from './exchange.ts'
import { clientSpecs } from './options.ts'
import type { ConnectionOptions, ExchangeOptions, FcgiClientOptions } from './options.ts'

const optionNames = [
  'keepConn',
  'getValues',
  'multiplex',
  'maxRequests',
  'responseTimeout',
  'maxUnsizedBody',
  'unsizedBodyMemory',
  'maxHeadSize',
  'maxHeaders',
  'padding',
  'encoding',
  'onStderr',
  'logger',
] as const

/** Those of {@link FcgiClientOptions} that are not about making connections, choosing them and sending again. */
export type FcgiMuxOptions = Pick<FcgiClientOptions, (typeof optionNames)[number]>

/** See {@link resolveMuxOptions}. */
export type ResolvedMuxOptions = ConnectionOptions & ExchangeOptions

/**
 * Checks the options: once for a server, not for each connection. With `responseTimeout: 0` the time-outs are the
 * owner's, who aborts.
 * @throws UsageError `ERR_SLUICE_OPTION`
 */
export function resolveMuxOptions(given: FcgiMuxOptions): ResolvedMuxOptions {
  const picked = Object.fromEntries(optionNames.map((name) => [name, clientSpecs[name]]))
  // The same names, each with its own spec.
  const specs = picked as unknown as Specs<FcgiMuxOptions>
  const { logger, onStderr, ...rest } = resolveOptions(specs, given, 'FcgiMux')
  // Whoever owns the connections decides what is sent again, and keeps what it takes.
  const never = { maxRetries: 0, retryUnsafe: false, maxReplaySize: 0 }
  // As `timeout server` of HAProxy: nothing else ends an upload that stalls, and a worker waits for it.
  return { ...rest, ...never, timesCaller: true, onStderr, logger: logger as Logger }
}

/** A request on a {@link FcgiMux}. */
export interface MuxExchange extends FcgiExchange {
  /** Whether its connection had been in use before it, so that the application may have been about to close it. */
  readonly reused: boolean
}

/** Who has the connections. Either may give out requests and close connections from within. */
export interface MuxOwner {
  /** A request has ended, or the application has said how many it takes: there may be {@link FcgiMux.room}. */
  released(mux: FcgiMux): void
  /** It is gone, for good; requests that were on it are told next, so that what they do finds it gone. */
  closed(mux: FcgiMux, error: FcgiError): void
  /** All that was read has been told: what came together can be looked at together. */
  read?(): void
  /** As in {@link ConnectionOwner}: whether pieces of bodies are lent to its handlers. @default false */
  readonly lends?: boolean
}

/**
 * What mux-fcgi is to HAProxy: one connection, and the requests on it, for an owner who makes and keeps connections
 * himself. The client's own pool stands beside it, on the same {@link FcgiConnection} and {@link Exchange}.
 *
 * How a proxy drives it:
 *
 * 1. **Connect.** The owner connects, with his time-out and his retries; best a {@link LingeringSocket}, which does not lose
 *    the answer of an application that closes without reading the whole request. The socket must have none of his
 *    listeners any more. Nothing is sent yet; GET_VALUES, when it is configured, goes out with the first request.
 * 2. **Choose.** `room` says how many more requests it takes now: 0 or 1, or more when the application multiplexes. One with
 *    room and `active === 0` is idle: it belongs to an idle pool, without keeping the process (`setIdle(true)`), until the
 *    pool's time-out closes it or a request takes it out (`setIdle(false)`). One with room and requests on it may be shared.
 *    `released` says when either may have changed; `served` tells a kept connection from a new one.
 * 3. **Start.** `start` sends the request and reports to the handler, never from within `start`. A body without a length is
 *    gathered first, and the room is taken meanwhile. When there is no room any more, which may be since the connection has
 *    died a moment ago, the request fails as one that was not sent.
 * 4. **Fail, or send again.** `onError` comes with `error.notRun`, and the exchange has `progress` and `reused`:
 *    `unsent` or `notRun`: it may be sent again whatever it is. `sent` and `reused`, with `ERR_FCGI_CONNECTION_LOST`: the
 *    application has most likely closed an idle connection as the request came, but may have run it: who cannot send it again
 *    should not have it on a connection whose {@link FcgiMux.liveness} is unknown. `sent` on a new connection: the application
 *    may have run it, and died of it. `answered`: it has run it. The parameters and the body are the owner's to keep; nothing is
 *    kept here.
 * 5. **End.** After `onEnd`, `onError` or `abort()` the connection is either released or closed, by what the protocol says:
 *    an abort closes the connection of an application that does not multiplex, and so does an answer that comes before the
 *    request was sent. `close()` lets what is on it end; `destroy()` does not. `closed` comes once, whoever began it.
 *
 * After `closed`, `refusedValues` says that a server should not be asked for values any more.
 */
export class FcgiMux {
  readonly #connection: FcgiConnection
  /** Those whose bodies are gathered: they have a place, and are not on the connection yet. */
  readonly #gathering = new Set<Exchange>()
  readonly #name: string
  readonly #owner: MuxOwner
  readonly #exchangeOwner: ExchangeOwner

  /**
   * @param socket - connected, without listeners.
   * @param name - of the server, for messages.
   */
  constructor(socket: Socket, name: string, options: ResolvedMuxOptions, owner: MuxOwner) {
    this.#name = name
    this.#owner = owner
    this.#connection = new FcgiConnection(socket, name, options, {
      released: () => owner.released(this),
      closed: (_, error) => this.#closed(error),
      read: () => owner.read?.(),
      lends: owner.lends === true,
    })
    this.#exchangeOwner = {
      options,
      deadlines: new Deadlines<ExchangeDeadline>((deadline) => deadline.expire(), false),
      dispatch: (exchange) => this.#dispatch(exchange),
      finished: (exchange) => this.#finished(exchange),
    }
  }

  /** Requests in progress. */
  get active(): number {
    return this.#connection.active + this.#gathering.size
  }

  /** How many requests were sent on it so far. */
  get served(): number {
    return this.#connection.served
  }

  /** How many more requests it takes now; 0 for good when it is closing or closed. */
  get room(): number {
    return Math.max(0, this.#connection.room - this.#gathering.size)
  }

  /** Whether the application has sent anything yet: before, it may not even have accepted the connection. */
  get answered(): boolean {
    return this.#connection.answered
  }

  /** See {@link FcgiConnection.liveness}. */
  get liveness(): Liveness {
    return this.#connection.liveness
  }

  /** See {@link FcgiConnection.refusedValues}. */
  get refusedValues(): boolean {
    return this.#connection.refusedValues
  }

  /** Lets the process end, or not, while nothing but this connection is open. */
  setIdle(idle: boolean): void {
    this.#connection.setIdle(idle)
  }

  /** See step 3. Nothing is checked: no user of the package calls it. */
  start(request: ExchangeRequest, handler: ExchangeHandler): MuxExchange {
    const exchange = new Exchange(request, handler, this.#exchangeOwner)
    if (this.room === 0) exchange.fail(this.#unavailable(), true)
    else exchange.start()
    if (exchange.state === 'waiting') this.#gathering.add(exchange)
    return exchange
  }

  /** Takes no more requests, and closes when the last one has ended; what is only gathered fails as not sent. */
  close(): void {
    const gathered = this.#takeGathering()
    this.#connection.close()
    for (const exchange of gathered) exchange.fail(this.#unavailable())
  }

  /** Closes at once; requests fail with `error`, or with `ERR_FCGI_CONNECTION_LOST`. */
  destroy(error?: FcgiError): void {
    this.#connection.destroy(error)
  }

  #dispatch(exchange: Exchange): void {
    this.#ungather(exchange)
    if (this.#connection.room > 0) exchange.begin(this.#connection)
    else exchange.fail(this.#unavailable())
  }

  /** The connection does not know those that it has not seen, and cannot say that there is room again. */
  #finished(exchange: Exchange): void {
    if (this.#ungather(exchange)) this.#owner.released(this)
  }

  /** Takes it from those whose bodies are gathered; false when it was none of them. */
  #ungather(exchange: Exchange): boolean {
    return this.#gathering.size > 0 && this.#gathering.delete(exchange)
  }

  #closed(error: FcgiError): void {
    const gathered = this.#takeGathering()
    this.#owner.closed(this, error)
    for (const exchange of gathered) exchange.fail(this.#unavailable(error))
  }

  #takeGathering(): Exchange[] {
    const gathered = [...this.#gathering]
    this.#gathering.clear()
    return gathered
  }

  #unavailable(cause?: FcgiError): FcgiError {
    const detail = `${this.#name}: the request was not sent`
    return new FcgiError('ERR_FCGI_CONNECTION_LOST', detail, { cause, notRun: true })
  }
}
