import { monotonic } from '../base/clock.ts'
import { Deadlines } from '../base/deadlines.ts'
import { UsageError } from '../base/errors.ts'
import { Turn } from '../base/turn.ts'
import type { Action } from '../spop/ack.ts'
import type { FrameHead } from '../spop/frame-head.ts'
import type { MessageInput } from '../spop/notify.ts'
import { Closing } from './closing.ts'
import type { ConnectionHost, ConnectionSettings } from './connection-host.ts'
import { Connection } from './connection.ts'
import { EngineError } from './errors.ts'
import { Exchange, type ExchangeOwner } from './exchange.ts'
import { throwLater } from './call-back.ts'
import { FaultReport } from './fault-report.ts'
import { serverEndpoint } from './options.ts'
import { failure, success, type Outcome } from './outcome.ts'
import type { EngineStream } from './profile.ts'
import { Queue } from './queue.ts'
import { checkExchange, type ExchangeCallback } from './request.ts'
import { describeDowntime, Server } from './server.ts'
import { Counters, takeStats, type EngineStats } from './stats.ts'

const noMessages: readonly MessageInput[] = []

/**
 * The policy of the engine: which connection carries an exchange, when connections are made, what waits, and how
 * exchanges end. All sockets are behind connection.ts.
 */
export class Pool implements ExchangeOwner, ConnectionHost<Connection> {
  readonly servers: readonly Server<Connection>[]
  readonly #settings: ConnectionSettings
  readonly #queue: Queue
  readonly #faults: FaultReport
  readonly #counters = new Counters()
  readonly #deadlines = new Deadlines<Exchange>((exchange, now) => this.#expire(exchange, now), false)
  readonly #turn = new Turn()
  /** Whatever still has a socket. */
  readonly #alive = new Set<Connection>()
  /** Exchanges whose callback was not called yet. */
  #pending = 0
  /** Where the round over the servers goes on. */
  #round = 0
  /** Servers that have no connection with room, found while one was looked for. */
  readonly #short: Server<Connection>[] = []
  #closing: Closing | undefined

  constructor(settings: ConnectionSettings) {
    const { options, profile } = settings
    this.#settings = settings
    this.#queue = new Queue(options)
    this.#faults = new FaultReport(options)
    const window = profile.window === 0 ? options.maxWaitingFrames : profile.window
    this.servers = options.servers.map(
      (server) => new Server<Connection>(serverEndpoint(server), options, window),
    )
  }

  get stats(): EngineStats {
    const { count } = this.#faults
    return takeStats(this.servers, this.#counters, this.#queue.size, count)
  }

  // Begin

  begin(
    messages: readonly MessageInput[],
    timeout: number,
    callback: ExchangeCallback,
    stream: EngineStream | undefined,
  ): Exchange {
    if (this.#closing !== undefined) throw new UsageError('ERR_SLUICE_CLOSED', 'the engine was closed')
    checkExchange(messages, timeout, callback, stream)
    const now = monotonic()
    const exchange = new Exchange(this, callback, stream, now)
    if (this.#short.length > 0) this.#short.length = 0 // of a call that threw
    const connection = this.#queue.size === 0 ? this.#pick(now) : undefined
    // What cannot be encoded is thrown from here, before anything is begun for it.
    const error =
      connection === undefined
        ? this.#wait(exchange, messages, now)
        : connection.notify(exchange, messages, now)
    if (this.#short.length > 0) this.#connectShort()
    this.#counters.exchanges++
    this.#pending++
    this.#deadlines.add(exchange, Math.ceil(timeout), now)
    if (error !== undefined) this.#failLater(exchange, error, now)
    return exchange
  }

  #wait(exchange: Exchange, messages: readonly MessageInput[], now: number): EngineError | undefined {
    const error = this.#queue.add(exchange, messages)
    if (error !== undefined) return error
    this.#connectShort()
    this.#grow(now)
    if (!this.#hopeless()) return undefined
    this.#queue.remove(exchange)
    exchange.payload = undefined
    return describeDowntime(this.servers)
  }

  /**
   * A connection of the next server in the round that has one. Servers without one are noted: {@link Pool.#connectShort}
   * makes one more for each.
   */
  #pick(now: number): Connection | undefined {
    const { servers } = this
    for (let tried = 0; tried < servers.length; tried++) {
      const server = servers[this.#round] as Server<Connection> // the round begins again at the length
      this.#round = this.#round + 1 === servers.length ? 0 : this.#round + 1
      const connection = server.pick(now)
      if (connection !== undefined) return connection
      if (server.connecting === 0 && server.mayConnect(now)) this.#short.push(server)
    }
    return undefined
  }

  #connectShort(): void {
    let server: Server<Connection> | undefined
    while ((server = this.#short.shift()) !== undefined) this.#connect(server)
  }

  /** Makes as many connections as the queue needs. */
  #grow(now: number): void {
    let room = 0
    for (const server of this.servers) room += server.connecting * server.window
    for (const server of this.servers) {
      while (room < this.#queue.size && server.mayConnect(now)) {
        this.#connect(server)
        room += server.window
      }
    }
  }

  #connect(server: Server<Connection>): void {
    server.attempted()
    this.#alive.add(new Connection(server, ++this.#counters.connects, this.#settings, this))
  }

  /** Nothing is open and nothing is being tried: waiting would be waiting for the deadline. */
  #hopeless(): boolean {
    return this.servers.every((server) => server.alive === 0)
  }

  /** Gives what is queued to connections that have room. */
  freed(): void {
    if (this.#queue.size === 0) return
    const now = monotonic()
    let exchange: Exchange | undefined
    while ((exchange = this.#queue.first) !== undefined) {
      const connection = this.#pick(now)
      if (this.#short.length > 0) this.#connectShort()
      if (connection === undefined) return
      this.#queue.remove(exchange)
      const error = connection.notify(exchange, noMessages, now)
      if (error !== undefined) this.#failLater(exchange, error, now)
    }
  }

  // End

  acknowledged(exchange: Exchange, actions: readonly Action[], now: number): void {
    this.#counters.acks++
    this.#settle(exchange, success(exchange, actions, now))
  }

  fail(exchange: Exchange, error: EngineError, now: number): void {
    if (exchange.callback === undefined) return
    this.#counters.failed(error.status)
    this.#settle(exchange, failure(exchange, error, now))
  }

  /** Not before the call that began it has returned. */
  #failLater(exchange: Exchange, error: EngineError, now: number): void {
    this.#turn.add({ flush: () => this.fail(exchange, error, monotonic()) }, now)
  }

  /** Calls back, once, when all else is done. */
  #settle(exchange: Exchange, outcome: Outcome): void {
    const { callback } = exchange
    if (callback === undefined) return
    exchange.callback = undefined
    this.#deadlines.remove(exchange)
    this.#pending--
    try {
      callback(outcome)
    } catch (error) {
      throwLater(error)
    }
    if (this.#closing !== undefined && this.#pending === 0) this.#leave()
  }

  /** Takes it from wherever it is; a NOTIFY that is out keeps its slot until its ACK comes. */
  #withdraw(exchange: Exchange, now: number, timedOut: boolean): void {
    if (exchange.carrier !== undefined) exchange.carrier.abandon(exchange, now, timedOut)
    else if (exchange.payload !== undefined) this.#queue.remove(exchange)
  }

  #expire(exchange: Exchange, now: number): void {
    this.#withdraw(exchange, now, true)
    const detail = `${Math.round(now - exchange.startedAt)} ms${exchange.sentAt < 0 ? ', it was not sent' : ''}`
    this.fail(exchange, new EngineError('ERR_ENGINE_TIMEOUT', detail), now)
  }

  cancel(exchange: Exchange, error: EngineError): void {
    const now = monotonic()
    this.#withdraw(exchange, now, false)
    this.fail(exchange, error, now)
  }

  late(): void {
    this.#counters.lateAcks++
  }

  // Connections

  dirty(connection: Connection, now: number): void {
    this.#turn.add(connection, now)
  }

  opened(connection: Connection): void {
    connection.server.opened(connection)
    this.freed()
    // It may carry less than was expected of it.
    if (this.#queue.size > 0) this.#grow(monotonic())
  }

  proved({ server }: Connection): void {
    if (!server.breaker.succeed()) return
    const { logger } = this.#settings.options
    logger.info({ server: server.name }, 'the agent is back')
  }

  fault({ server, number }: Connection, error: EngineError): void {
    this.#faults.report({ server: server.name, connection: number, error })
  }

  findElsewhere(connection: Connection, head: FrameHead): Exchange | undefined {
    return connection.server.find(head, connection)
  }

  ended(connection: Connection, exchanges: Exchange[], error: EngineError | undefined): void {
    const now = monotonic()
    const { server } = connection
    const down = server.ended(connection, error, now, Math.random())
    const orphans = connection.async ? server.rehome(exchanges) : exchanges
    // None of them may be found here by what a callback does.
    for (const exchange of orphans) exchange.carrier = undefined
    if (down && this.#closing === undefined) this.#warn(server, now)
    if (error?.fault === 'peer') this.fault(connection, error)
    const cause = error ?? new EngineError('ERR_ENGINE_CONNECTION_LOST')
    for (const exchange of orphans) this.fail(exchange, cause, now)
    if (this.#queue.size > 0) this.#recover(now)
  }

  #warn({ name, breaker, lastError }: Server<Connection>, now: number): void {
    const { logger } = this.#settings.options
    const fields = { server: name, err: lastError, retryIn: Math.round(breaker.retryAt - now) }
    logger.warn(fields, 'the agent is down')
  }

  /** What is queued goes elsewhere, or fails when there is no elsewhere. */
  #recover(now: number): void {
    this.freed()
    this.#grow(now)
    if (this.#hopeless()) this.#failQueue(describeDowntime(this.servers), now)
  }

  #failQueue(error: EngineError, now: number): void {
    for (const exchange of this.#queue.takeAll()) this.fail(exchange, error, now)
  }

  closed(connection: Connection): void {
    this.#alive.delete(connection)
    this.#checkClosed()
  }

  // Close

  /** Settles when the last socket is gone. */
  close(): Promise<void> {
    if (this.#closing === undefined) {
      this.#closing = new Closing()
      if (this.#pending === 0) this.#leave()
    }
    return this.#closing.promise
  }

  #leave(): void {
    for (const connection of this.#alive) connection.leave()
    this.#checkClosed()
  }

  #checkClosed(): void {
    if (this.#closing === undefined || this.#alive.size > 0 || this.#pending > 0) return
    this.#deadlines.clear()
    this.#closing.resolve()
  }

  destroy(cause: Error | undefined): void {
    void this.close()
    const error = new EngineError('ERR_ENGINE_INTERRUPTED', 'the engine was destroyed', { cause })
    this.#failQueue(error, monotonic())
    for (const connection of this.#alive) connection.destroy(error)
    this.#turn.end()
  }
}
