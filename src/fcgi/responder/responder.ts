/** The responder: an application that gateways such as nginx, HAProxy and sluice's own proxy ask over FastCGI. */
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { CidrMap } from '../../net/cidr-map.ts'
import { Deadlines } from '../../base/deadlines.ts'
import { formatEndpoint, toEndpoint } from '../../net/endpoint.ts'
import type { Endpoint } from '../../net/endpoint.ts'
import { errorMessage, UsageError } from '../../base/errors.ts'
import { listenOn } from '../../net/listener.ts'
import { readArgument } from '../arguments.ts'
import { FcgiError } from '../errors.ts'
import { ResponderConnection } from './connection.ts'
import type { ConnectionHost } from './connection.ts'
import { resolveResponderOptions } from './options.ts'
import type { FcgiResponderOptions, ResolvedResponderOptions } from './options.ts'
import type { ResponderRequest } from './request.ts'

/** What a responder is doing, and has done since it was created. */
export interface FcgiResponderStats {
  /** Connections now. */
  readonly connections: number
  /** Requests whose handlers are not done. */
  readonly active: number
  /** Requests that were taken. */
  readonly requests: number
  /** Requests that were answered OVERLOADED because of `maxRequests`. */
  readonly overloaded: number
  /** Connections from addresses that are not among `allowedPeers`. */
  readonly refusedPeers: number
}

/** See {@link createFcgiResponder}. */
export interface FcgiResponder extends AsyncDisposable {
  /**
   * Starts to accept: `host:port`, `/path`, `unix@/path`, `fd@0` for a socket that a process manager such as spawn-fcgi
   * hands over. A unix socket that nobody listens on any more is removed first. Resolves with where it listens: the
   * port that the kernel chose, when 0 was asked for. May be called for several endpoints.
   * @throws FcgiError `ERR_FCGI_LISTEN`; UsageError `ERR_SLUICE_ADDRESS`, `ERR_SLUICE_CLOSED`
   */
  listen(endpoint: string | Endpoint): Promise<Endpoint>
  /** A snapshot. */
  readonly stats: FcgiResponderStats
  /** Stops accepting; resolves when the last request has ended and all connections are closed. */
  close(): Promise<void>
  /**
   * Closes everything now; handlers see their signal aborted. `close` waits no longer than a tenth of a second for those that go
   * on nevertheless.
   */
  destroy(): void
}

/**
 * Creates a responder.
 * @throws UsageError `ERR_SLUICE_OPTION`, `ERR_SLUICE_ADDRESS`
 *
 * @example
 * import { createFcgiResponder } from 'sluice/fcgi'
 *
 * const responder = createFcgiResponder({
 *   onRequest: ({ params }) => ({
 *     headers: { 'Content-Type': 'text/plain' },
 *     body: `Hello, ${params.get('REMOTE_ADDR')}\n`,
 *   }),
 * })
 * await responder.listen('127.0.0.1:9000')
 */
export function createFcgiResponder(options: FcgiResponderOptions): FcgiResponder {
  return new Responder(resolveResponderOptions(options))
}

/** How long handlers of a responder that is destroyed are waited for, in milliseconds: to hear of it takes them a turn. */
const farewell = 100

class Responder implements FcgiResponder, ConnectionHost {
  readonly options: ResolvedResponderOptions
  readonly #allowed: CidrMap<true> | undefined
  readonly #servers: Server[] = []
  readonly #connections = new Set<ResponderConnection>()
  readonly deadlines = new Deadlines<ResponderRequest>((request) => request.expire(), false)
  #closed = false
  /** All is gone, or given up. */
  #finished = false
  #onEmpty: (() => void)[] = []
  #active = 0
  #requests = 0
  #overloaded = 0
  #refusedPeers = 0

  constructor(options: ResolvedResponderOptions) {
    this.options = options
    if (options.allowedPeers.length > 0) {
      this.#allowed = new CidrMap()
      for (const range of options.allowedPeers) this.#allowed.set(range, true)
    }
  }

  get stats(): FcgiResponderStats {
    return {
      connections: this.#connections.size,
      active: this.#active,
      requests: this.#requests,
      overloaded: this.#overloaded,
      refusedPeers: this.#refusedPeers,
    }
  }

  async listen(given: string | Endpoint): Promise<Endpoint> {
    if (this.#closed) throw closedError()
    const endpoint = readArgument('listen: the endpoint', () => toEndpoint(given))
    const server = createServer((socket) => this.#accept(socket))
    const { socketMode, logger } = this.options
    const bound = await listenOn(server, endpoint, {
      mode: socketMode === 0 ? undefined : socketMode,
      remove: 'unanswered',
      onAcceptError: (error) => logger.error({ err: error }, 'fcgi: accept failed'),
    }).catch((error: unknown) => {
      throw listenError(endpoint, error)
    })
    // It may have been closed meanwhile, when this one was not known yet.
    if (this.#closed) {
      server.close()
      throw closedError()
    }
    this.#servers.push(server)
    return bound
  }

  #accept(socket: Socket): void {
    const peer = socket.remoteAddress
    const stranger = this.#allowed !== undefined && peer !== undefined && !this.#allowed.has(peer)
    if (stranger) this.#refusedPeers++
    if (stranger || this.#connections.size >= this.options.maxConnections) {
      this.options.logger.warn(
        { peer },
        `fcgi: ${stranger ? 'a peer that is not allowed' : 'too many connections'}`,
      )
      socket.on('error', () => {})
      socket.destroy()
      return
    }
    this.#connections.add(new ResponderConnection(socket, this))
  }

  admit(): boolean {
    if (this.#active >= this.options.maxRequests) {
      this.#overloaded++
      return false
    }
    this.#active++
    this.#requests++
    return true
  }

  release(): void {
    this.#active--
    this.#checkEmpty()
  }

  closed(connection: ResponderConnection): void {
    this.#connections.delete(connection)
    this.#checkEmpty()
  }

  #checkEmpty(): void {
    if (this.#closed && this.#connections.size === 0 && this.#active === 0) this.#finish()
  }

  #finish(): void {
    this.#finished = true
    this.deadlines.clear()
    for (const resolve of this.#onEmpty.splice(0)) resolve()
  }

  close(): Promise<void> {
    this.#shut()
    if (this.#finished) return Promise.resolve()
    const emptied = new Promise<void>((resolve) => {
      this.#onEmpty.push(resolve)
    })
    for (const connection of this.#connections) connection.close()
    this.#checkEmpty()
    return emptied
  }

  destroy(): void {
    this.#shut()
    for (const connection of this.#connections) connection.destroy()
    if (this.#active > 0) setTimeout(() => this.#finish(), farewell)
  }

  /** Closing the server of a unix socket removes its file. */
  #shut(): void {
    this.#closed = true
    for (const server of this.#servers.splice(0)) server.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function closedError(): UsageError {
  return new UsageError('ERR_SLUICE_CLOSED', 'the FastCGI responder was closed')
}

function listenError(endpoint: Endpoint, error: unknown): FcgiError {
  const taken = /EADDRINUSE/.test(errorMessage(error))
  const reason = taken ? 'the address is in use by another process' : errorMessage(error)
  return new FcgiError('ERR_FCGI_LISTEN', `${formatEndpoint(endpoint)}: ${reason}`, { cause: error })
}
