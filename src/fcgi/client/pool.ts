import { monotonic } from '../../base/clock.ts'
import { formatEndpoint } from '../../net/endpoint.ts'
import { LinkedList } from '../../base/linked-list.ts'
import { Roster } from '../../base/roster.ts'
import { Deadlines } from '../../base/deadlines.ts'
import type { Endpoint } from '../../net/endpoint.ts'
import { errorMessage } from '../../base/errors.ts'
import { dial } from '../../net/dial.ts'
import type { Dialling } from '../../net/dial.ts'
import { LingeringSocket } from '../../net/lingering-socket.ts'
import { FcgiError } from '../errors.ts'
import type { ConnectionOwner } from './connection-roles.ts'
import { FcgiConnection } from './connection.ts'
import type { Exchange } from './exchange.ts'
import type { ResolvedClientOptions } from './options.ts'

/** How long a new connection may go without an answer before kept ones are closed: they may hold the worker it needs. */
const starvationDelay = 200
/** How long a server that refused a connection is asked last. */
const downTime = 1000

/**
 * The connections to one server: which of them gets a request, how many there may be, how long one is kept. A connection
 * that is kept is one that php-fpm reserves a worker for, so few are kept, for a short time, and none of them while
 * another connection waits for a worker.
 */
export class FcgiPool implements ConnectionOwner<FcgiConnection> {
  readonly name: string
  /** Connections that were made so far. */
  opened = 0
  /** Requests that were begun on a connection that had served others. */
  reused = 0

  readonly #endpoint: Endpoint
  readonly #options: ResolvedClientOptions
  readonly #connections = new Roster<FcgiConnection>()
  /** Those with room, the one used last at the end. */
  readonly #ready: FcgiConnection[] = []
  readonly #queue = new LinkedList<Exchange>()
  /** Those without a request, until they have been so for too long. */
  readonly #idling = new Deadlines<FcgiConnection>((connection) => this.#retire(connection), false)
  /** Those whose first request has not been answered yet. One is never in both, for a connection has one deadline. */
  readonly #starving = new Deadlines<FcgiConnection>((connection) => this.#starve(connection), false)
  /** Connections that are being made. */
  readonly #opening = new Set<Dialling>()
  /** Those that have waited long for an answer. */
  readonly #hungry = new Set<FcgiConnection>()
  #getValues: boolean
  #downSince = -Infinity
  #closed = false
  readonly #onRefused: (exchange: Exchange, error: FcgiError) => void
  readonly #onEmpty: () => void

  /**
   * @param onRefused - gets a request that no connection could be made for.
   * @param onEmpty - after `close`, when no connection is left; more than once when another is made after that.
   */
  constructor(
    endpoint: Endpoint,
    options: ResolvedClientOptions,
    onRefused: (exchange: Exchange, error: FcgiError) => void,
    onEmpty: () => void,
  ) {
    this.name = formatEndpoint(endpoint)
    this.#endpoint = endpoint
    this.#options = options
    this.#getValues = options.getValues
    this.#onRefused = onRefused
    this.#onEmpty = onEmpty
  }

  /** Those that are being made counted in. */
  get connections(): number {
    return this.#connections.size + this.#opening.size
  }

  get queued(): number {
    return this.#queue.size
  }

  get active(): number {
    let active = 0
    for (const connection of this.#connections) active += connection.active
    return active
  }

  get idle(): number {
    return this.#ready.reduce((count, each) => count + (each.active === 0 ? 1 : 0), 0)
  }

  /** Whether it refused a connection a moment ago. */
  get down(): boolean {
    return monotonic() - this.#downSince < downTime
  }

  /** Gives the request a connection, or a place in the queue. */
  dispatch(exchange: Exchange): void {
    // One that ends with the request that it brought to an end is still listed.
    const connection = this.#ready.findLast((each) => each.room > 0 && exchange.takes(each))
    if (connection !== undefined) return this.#begin(exchange, connection)
    // One that is kept and that it may not have: the worker that holds it may be what the new one needs.
    this.#retireIdle()
    const { maxQueue, maxConnections, queueTimeout } = this.#options
    if (this.#queue.size >= maxQueue && this.connections >= maxConnections) {
      return exchange.fail(
        new FcgiError('ERR_FCGI_QUEUE_FULL', `${this.name}: ${this.#queue.size} wait`, { notRun: true }),
      )
    }
    exchange.queued = true
    this.#queue.push(exchange)
    exchange.arm(queueTimeout, () => {
      const detail = `${this.name}: ${queueTimeout} ms`
      exchange.fail(new FcgiError('ERR_FCGI_QUEUE_TIMEOUT', detail, { notRun: true }))
    })
    this.#open()
  }

  /** Takes a request out of the queue. */
  forget(exchange: Exchange): void {
    if (!exchange.queued) return
    exchange.queued = false
    this.#queue.remove(exchange)
  }

  /** The one that has waited longest, of those that may have the connection; none when the first needs the place of that. */
  #takeQueued(connection?: FcgiConnection): Exchange | undefined {
    let found = this.#queue.first
    const isFull = this.#opening.size === 0 && this.connections >= this.#options.maxConnections
    if (isFull && connection !== undefined && found?.takes(connection) === false) return undefined
    while (found !== undefined && connection !== undefined && !found.takes(connection)) found = found.next
    if (found !== undefined) this.forget(found)
    return found
  }

  /** Closes the connections as they become free. */
  close(): void {
    this.#closed = true
    for (const connection of this.#connections) {
      if (this.#queue.size === 0 && connection.active === 0) this.#retire(connection)
    }
    if (this.#queue.size > 0) this.#open()
    else this.#cancelDials()
  }

  /** Closes them now. */
  destroy(error: FcgiError): void {
    this.#closed = true
    const queued = this.#queue.takeAll()
    for (const exchange of queued) exchange.queued = false
    this.#cancelDials()
    for (const connection of this.#connections) connection.destroy(error)
    for (const exchange of queued) exchange.fail(error)
  }

  #cancelDials(): void {
    for (const dialling of this.#opening) dialling.cancel()
    this.#opening.clear()
  }

  #connected(dialling: Dialling, socket: LingeringSocket): void {
    this.#opening.delete(dialling)
    this.#downSince = -Infinity
    this.opened++
    const options = { ...this.#options, getValues: this.#getValues }
    const connection = new FcgiConnection(socket, this.name, options, this)
    this.#connections.add(connection)
    this.released(connection)
  }

  released(connection: FcgiConnection): void {
    if (connection.answered) this.#fed(connection)
    while (connection.room > 0) {
      const exchange = this.#takeQueued(connection)
      if (exchange === undefined) break
      this.#begin(exchange, connection)
    }
    const isInTheWay = this.#queue.size > 0 && this.connections >= this.#options.maxConnections
    if (isInTheWay && connection.active === 0 && connection.served > 0) this.#retire(connection)
    else if (this.#closed && connection.active === 0 && this.#queue.size === 0) this.#retire(connection)
    else this.#list(connection)
  }

  #failed(dialling: Dialling, error: FcgiError): void {
    this.#opening.delete(dialling)
    this.#downSince = monotonic()
    // Each request in the queue has a connection that is being made for it, up to the limit of connections.
    const refused = this.#queue.size > this.#opening.size ? this.#takeQueued() : undefined
    this.#open()
    this.#checkEmpty()
    if (refused !== undefined) this.#onRefused(refused, error)
  }

  closed(connection: FcgiConnection): void {
    if (connection.refusedValues) this.#getValues = false
    this.#unlist(connection)
    this.#fed(connection)
    this.#connections.delete(connection)
    this.#open()
    this.#checkEmpty()
  }

  #open(): void {
    const { maxConnections, multiplex, maxRequests } = this.#options
    const each = multiplex && !this.#getValues ? maxRequests : 1
    while (this.#queue.size > this.#opening.size * each && this.connections < maxConnections) {
      const dialling = this.#dial()
      this.#opening.add(dialling)
    }
  }

  #dial(): Dialling {
    const options = { create: () => new LingeringSocket(), timeout: this.#options.connectTimeout }
    const dialling: Dialling = dial(this.#endpoint, options, {
      onConnected: (socket) => this.#connected(dialling, socket),
      onFailed: (why, cause) => {
        const where = formatEndpoint(this.#endpoint)
        const error =
          why === 'timeout'
            ? new FcgiError('ERR_FCGI_CONNECT_TIMEOUT', where, { notRun: true })
            : new FcgiError('ERR_FCGI_CONNECT', `${where}: ${errorMessage(cause)}`, { cause, notRun: true })
        this.#failed(dialling, error)
      },
    })
    return dialling
  }

  #begin(exchange: Exchange, connection: FcgiConnection): void {
    const wasIdle = connection.active === 0
    if (connection.served > 0) this.reused++
    connection.setIdle(false)
    exchange.begin(connection)
    if (wasIdle) this.#watch(connection)
    if (connection.room === 0) this.#unlist(connection)
    // Its parameters could not be sent, and nothing was.
    if (connection.active === 0) this.#list(connection)
  }

  /** Puts a connection with room on the list, and looks after it when it has nothing to do. */
  #list(connection: FcgiConnection): void {
    if (connection.room === 0) this.#unlist(connection)
    else if (!this.#ready.includes(connection)) this.#ready.push(connection)
    if (connection.active > 0 || connection.state !== 'open') return
    // It may have no room even so: aborted requests whose end never comes. Then this is what rids us of it.
    this.#idling.remove(connection)
    connection.setIdle(true)
    this.#idling.add(connection, this.#options.idleTimeout, monotonic())
    if (this.idle > this.#options.maxIdleConnections) this.#retireIdle()
    if (this.#isStarving()) this.#retireIdle()
  }

  #unlist(connection: FcgiConnection): void {
    const at = this.#ready.indexOf(connection)
    if (at >= 0) this.#ready.splice(at, 1)
  }

  #retire(connection: FcgiConnection): void {
    this.#unlist(connection)
    this.#idling.remove(connection)
    connection.close()
  }

  /** Closes the connection that has been idle longest, of those that serve one request at a time. */
  #retireIdle(): void {
    const longest = this.#ready.find((each) => each.active === 0 && each.room > 0)
    if (longest !== undefined) this.#retire(longest)
  }

  /** It has work: from being idle to being watched, until its application has said anything. */
  #watch(connection: FcgiConnection): void {
    this.#idling.remove(connection)
    if (!connection.answered) this.#starving.add(connection, starvationDelay, monotonic())
  }

  #starve(connection: FcgiConnection): void {
    if (connection.answered) return
    this.#hungry.add(connection)
    this.#retireIdle()
  }

  #fed(connection: FcgiConnection): void {
    this.#starving.remove(connection)
    this.#hungry.delete(connection)
  }

  #isStarving(): boolean {
    for (const connection of this.#hungry) {
      if (!connection.answered) return true
      this.#hungry.delete(connection)
    }
    return false
  }

  #checkEmpty(): void {
    if (!this.#closed || this.connections > 0 || this.#queue.size > 0) return
    this.#idling.clear()
    this.#starving.clear()
    this.#onEmpty()
  }
}
