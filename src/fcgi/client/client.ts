/**
 * The client: requests to one or more servers of an application over kept connections. `start` is for a proxy, which
 * wants callbacks and no promise per request; `request` is for everybody else.
 */
import { Deadlines } from '../../base/deadlines.ts'
import { toEndpoint } from '../../net/endpoint.ts'
import { UsageError } from '../../base/errors.ts'
import { Deferred } from '../../base/promise.ts'
import { Roster } from '../../base/roster.ts'
import { requireArgument } from '../../base/options.ts'
import { FcgiError } from '../errors.ts'
import type { ExchangeHandler, FcgiExchange, FcgiRequest, FcgiRequestInit } from './exchange-types.ts'
import type { ExchangeDeadline } from './exchange-deadline.ts'
import { Exchange } from './exchange.ts'
import type { ExchangeOwner } from './exchange.ts'
import { resolveClientOptions } from './options.ts'
import type { FcgiClientOptions, ResolvedClientOptions } from './options.ts'
import { FcgiPool } from './pool.ts'
import { checkHandler, takeRequest } from './request.ts'
import { PendingResponse } from './response.ts'
import type { FcgiResponse } from './response.ts'

/** What a client is doing, and has done since it was created. */
export interface FcgiClientStats {
  /** Requests that were started. */
  readonly requests: number
  /** Of them, those that failed. */
  readonly failed: number
  /** How often one was sent again. */
  readonly retried: number
  /** Requests on a connection now. */
  readonly active: number
  /** Requests that wait for a connection now. */
  readonly queued: number
  /** Connections now. */
  readonly connections: number
  /** Those of them without a request. */
  readonly idle: number
  /** Connections that were made. */
  readonly opened: number
  /** Requests that went out on a connection that had served others. */
  readonly reused: number
}

/** See {@link createFcgiClient}. */
export interface FcgiClient extends AsyncDisposable {
  /**
   * Sends a request and resolves with its response when the head is there; the body streams. It must be read to its end or
   * destroyed, for until then the application is stopped.
   * Rejects with FcgiError, see docs/errors.md; with UsageError `ERR_SLUICE_CLOSED`, `ERR_SLUICE_OPTION`.
   */
  request(init: FcgiRequestInit): Promise<FcgiResponse>
  /**
   * Sends a request with callbacks. None of them is called before this returns.
   * @throws UsageError `ERR_SLUICE_CLOSED`, `ERR_SLUICE_OPTION`
   */
  start(request: FcgiRequest, handler: ExchangeHandler): FcgiExchange
  /** A snapshot. */
  readonly stats: FcgiClientStats
  /** Takes no more requests; resolves when the last one has ended and all connections are closed. */
  close(): Promise<void>
  /**
   * Closes all connections now; requests fail with `error`, or with `ERR_FCGI_ABORTED`.
   * @throws UsageError `ERR_SLUICE_OPTION`
   */
  destroy(error?: FcgiError): void
}

/**
 * Creates a client. It connects when there is something to send.
 * @throws UsageError `ERR_SLUICE_OPTION`, `ERR_SLUICE_ADDRESS`
 *
 * @example
 * import { createFcgiClient } from 'sluice/fcgi'
 *
 * const client = createFcgiClient({ endpoint: '/run/php/php8.2-fpm.sock' })
 * const response = await client.request({
 *   params: new Map([
 *     ['REQUEST_METHOD', 'GET'],
 *     ['SCRIPT_FILENAME', '/srv/www/index.php'],
 *   ]),
 * })
 * for await (const chunk of response.body) process.stdout.write(chunk)
 * await client.close()
 */
export function createFcgiClient(options: FcgiClientOptions): FcgiClient {
  return new Client(resolveClientOptions(options))
}

class Client implements FcgiClient, ExchangeOwner {
  readonly options: ResolvedClientOptions
  readonly deadlines = new Deadlines<ExchangeDeadline>((deadline) => deadline.expire(), false)
  readonly #pools: readonly FcgiPool[]
  /** All requests that are not over. */
  readonly #exchanges = new Roster<Exchange>()
  #next = 0
  #closed = false
  readonly #emptied = new Deferred()
  #requests = 0
  #failed = 0
  #retried = 0

  constructor(options: ResolvedClientOptions) {
    this.options = options
    const onRefused = (exchange: Exchange, error: FcgiError) => this.#refused(exchange, error)
    const onEmpty = () => this.#checkEmpty()
    this.#pools = options.servers.map(
      (server) => new FcgiPool(toEndpoint(server), options, onRefused, onEmpty),
    )
  }

  get stats(): FcgiClientStats {
    const sum = (value: (pool: FcgiPool) => number) =>
      this.#pools.reduce((total, pool) => total + value(pool), 0)
    return {
      requests: this.#requests,
      failed: this.#failed,
      retried: this.#retried,
      active: sum((pool) => pool.active),
      queued: sum((pool) => pool.queued),
      connections: sum((pool) => pool.connections),
      idle: sum((pool) => pool.idle),
      opened: sum((pool) => pool.opened),
      reused: sum((pool) => pool.reused),
    }
  }

  // Async, so that what is thrown rejects.
  async request(init: FcgiRequestInit): Promise<FcgiResponse> {
    return new PendingResponse(this, init).promise
  }

  start(request: FcgiRequest, handler: ExchangeHandler): FcgiExchange {
    if (this.#closed) throw new UsageError('ERR_SLUICE_CLOSED', 'the FastCGI client was closed')
    checkHandler(handler)
    const exchange = new Exchange(takeRequest(request), handler, this)
    this.#requests++
    this.#exchanges.add(exchange)
    exchange.start()
    return exchange
  }

  dispatch(exchange: Exchange, error?: FcgiError): void {
    const before = exchange.home
    if (error !== undefined) {
      this.#retried++
      const fields = { err: error, server: before?.name, attempt: exchange.attempts }
      this.options.logger.info(fields, 'fcgi: a request is sent again')
    }
    // Away from a server that said no, back to one whose connection had merely grown old.
    const stays = error?.code === 'ERR_FCGI_CONNECTION_LOST' && before !== undefined
    const pool = stays ? before : this.#choose(exchange)
    if (pool === undefined) return exchange.fail(error ?? new FcgiError('ERR_FCGI_CONNECT'))
    if (error !== undefined && !stays && before !== undefined) exchange.tried.add(before.name)
    exchange.home = pool
    pool.dispatch(exchange)
  }

  finished(exchange: Exchange, error: FcgiError | undefined): void {
    if (error !== undefined) this.#failed++
    exchange.home?.forget(exchange)
    this.#exchanges.delete(exchange)
    this.#checkEmpty()
  }

  /** A pool without connections may get one yet: for a request that is gathered, or that another server refuses. */
  #checkEmpty(): void {
    if (!this.#closed || this.#exchanges.size > 0) return
    if (!this.#pools.every((pool) => pool.connections === 0)) return
    this.deadlines.clear()
    this.#emptied.resolve()
  }

  /** No connection could be made: another server may do, this one was asked just now. */
  #refused(exchange: Exchange, error: FcgiError): void {
    if (exchange.home !== undefined) exchange.tried.add(exchange.home.name)
    const untried = this.#pools.some((pool) => !exchange.tried.has(pool.name))
    if (untried && exchange.tried.size <= this.options.maxRetries) this.dispatch(exchange, error)
    else exchange.fail(error)
  }

  /** The server with the least to do; one that was tried or refused connections only when there is no other. */
  #choose(exchange: Exchange): FcgiPool | undefined {
    const count = this.#pools.length
    if (count === 1) return this.#pools[0]
    const first = this.#next++ % count
    let best: FcgiPool | undefined
    let lowest = Infinity
    for (let step = 0; step < count; step++) {
      const pool = this.#pools[(first + step) % count] as FcgiPool // within the list
      const cost =
        (exchange.tried.has(pool.name) ? 1e12 : 0) + (pool.down ? 1e9 : 0) + pool.active + pool.queued
      if (cost < lowest) [best, lowest] = [pool, cost]
    }
    return best
  }

  close(): Promise<void> {
    this.#closed = true
    for (const pool of this.#pools) pool.close()
    this.#checkEmpty()
    return this.#emptied.promise
  }

  destroy(error?: FcgiError): void {
    const isRight = error === undefined || error instanceof FcgiError
    requireArgument(isRight, 'destroy: the error', 'must be a FcgiError', error)
    this.#closed = true
    const cause = error ?? new FcgiError('ERR_FCGI_ABORTED', 'the client was destroyed')
    for (const exchange of this.#exchanges) exchange.fail(cause)
    for (const pool of this.#pools) pool.destroy(cause)
    this.#checkEmpty()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
