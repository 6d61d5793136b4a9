import { monotonic } from '../base/clock.ts'
import { Deadlines } from '../base/deadlines.ts'
import { UsageError } from '../base/errors.ts'
import { Deferred } from '../base/promise.ts'
import { Turn } from '../base/turn.ts'
import { WriterPool } from '../bytes/writer-pool.ts'
import type { Action } from '../spop/ack.ts'
import type { FrameHead } from '../spop/frame-head.ts'
import type { NotifyInput } from '../spop/notify.ts'
import { ConnectRate } from './connect-rate.ts'
import type { ConnectionHost, ConnectionSettings } from './connection-host.ts'
import { Connection } from './connection.ts'
import { EngineError } from './errors.ts'
import { Exchange, type ExchangeOwner } from './exchange.ts'
import { throwLater } from './call-back.ts'
import { timedOut } from './downtime.ts'
import { FaultReport } from './fault-report.ts'
import { Lineup } from './lineup.ts'
import { ErrorStatus, failure, success, type Outcome } from './outcome.ts'
import type { EngineStream } from './profile.ts'
import { QueueBudget } from './queue.ts'
import { checkExchange, type ExchangeCallback } from './request.ts'
import type { Server } from './server.ts'
import type { AgentSource } from './source.ts'
import { Counters, takeStats, type EngineStats } from './stats.ts'
import { WaitingRoom } from './waiting-room.ts'

/** A buffer of what is sent begins with so many bytes. */
const outgoingSize = 4096

/**
 * The policy of the engine: which connection carries an exchange, and how exchanges end. All sockets are behind
 * connection.ts; who is asked next is lineup.ts, what waits is waiting-room.ts, and how attempts to connect are paced trust.ts.
 *
 * ```
 *                 a server is ready                    a connection has room
 *   begin ────────────────────────▶ waits at it ─────────────────────────────▶ sent ──ACK──▶ over
 *     │ none is            it fails │    ▲ one is ready                          │ timed out
 *     └──────────▶ waits for any ◀──┘    │                                       ▼
 *                       └────────────────┘                                     late ──ACK──▶ gone
 * ```
 * Whoever waits is over when its time is. What is sent is over when its connection is lost.
 */
export class Pool implements ExchangeOwner, ConnectionHost<Connection> {
  readonly #settings: ConnectionSettings
  readonly #lineup: Lineup<Connection>
  readonly #waiting: WaitingRoom<Connection>
  readonly #faults: FaultReport
  readonly #counters = new Counters()
  readonly #deadlines = new Deadlines<Exchange>((exchange, now) => this.#expire(exchange, now), false)
  readonly #turn = new Turn()
  readonly writers = new WriterPool(outgoingSize)
  readonly #unwatch: () => void
  /** Whatever still has a socket. */
  readonly #alive = new Set<Connection>()
  /** Exchanges whose callback was not called yet. */
  #pending = 0
  #closing: Deferred | undefined
  /** Why everything was ended, once it was: nothing is sent again. */
  #destroyed: EngineError | undefined

  constructor(settings: ConnectionSettings, source: AgentSource) {
    const { options, profile } = settings
    this.#settings = settings
    this.#faults = new FaultReport(options)
    const window = profile.window === 0 ? options.maxWaitingFrames : profile.window
    const budget = new QueueBudget(options)
    const rate = new ConnectRate(options.maxConnectionRate)
    this.#lineup = new Lineup(source, { options, window, budget, rate })
    this.#waiting = new WaitingRoom(this.#lineup, budget, settings, {
      connect: (server, now) => this.#connect(server, now),
      fail: (exchange, error, now) => this.fail(exchange, error, now),
      failLater: (exchange, error, now) => this.#failLater(exchange, error, now),
    })
    this.#unwatch = source.watch(() => this.#onSourceChanged())
  }

  get servers(): readonly Server<Connection>[] {
    return this.#lineup.servers
  }

  get stats(): EngineStats {
    const { count } = this.#faults
    return takeStats(this.#lineup.servers, this.#counters, this.#waiting.size, count)
  }

  // Begin

  begin(
    messages: NotifyInput,
    timeout: number,
    callback: ExchangeCallback,
    stream: EngineStream | undefined,
  ): Exchange {
    if (this.#closing !== undefined) throw new UsageError('ERR_SLUICE_CLOSED', 'the engine was closed')
    checkExchange(messages, timeout, callback, stream)
    const lineup = this.#lineup
    const now = monotonic()
    const exchange = new Exchange(this, callback, stream, now)
    if (lineup.due.length > 0) lineup.due.length = 0 // of a call that threw
    const server = this.#waiting.isCrowded ? undefined : lineup.choose(now)
    const connection = server === undefined || server.queue.size > 0 ? undefined : server.pick(now)
    // What cannot be encoded is thrown from here, before anything is begun for it.
    const error =
      connection === undefined
        ? this.#waiting.enter(exchange, messages, server, now)
        : connection.notify(exchange, messages, now)
    if (lineup.due.length > 0) this.#waiting.connectDue(now)
    this.#counters.exchanges++
    this.#pending++
    this.#deadlines.add(exchange, Math.ceil(timeout), now)
    if (error !== undefined) this.#failLater(exchange, error, now)
    return exchange
  }

  #connect(server: Server<Connection>, now: number): void {
    server.attempted(now)
    this.#alive.add(new Connection(server, ++this.#counters.connects, this.#settings, this))
  }

  #onSourceChanged(): void {
    if (this.#closing !== undefined && this.#pending === 0) return
    for (const server of this.#lineup.refresh()) {
      this.#waiting.spill(server)
      for (const connection of server.connections.slice()) if (connection.slots.size === 0) connection.leave()
    }
    if (this.#waiting.size > 0) this.#waiting.advance(monotonic())
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
    exchange.payload = undefined
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
    else exchange.queue?.remove(exchange)
  }

  #expire(exchange: Exchange, now: number): void {
    this.#withdraw(exchange, now, true)
    this.fail(exchange, timedOut(exchange, now, this.#lineup.servers), now)
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
    const { server } = connection
    server.opened(connection)
    if (server.retired) connection.leave()
    else if (this.#waiting.size > 0) this.#waiting.advance(monotonic())
  }

  freed(connection: Connection): void {
    const { server } = connection
    if (server.retired && connection.slots.size === 0) return connection.leave()
    if (this.#waiting.size > 0) this.#waiting.freed(server, monotonic())
  }

  slow({ server }: Connection): void {
    // With one server there is no elsewhere.
    if (server.connections.length > 0 || this.#lineup.servers.length === 1) return
    server.slow = true
    this.#waiting.spill(server)
    this.#waiting.advance(monotonic())
  }

  proved({ server }: Connection): void {
    const news = server.trust.prove()
    if (server.queue.size > 0) this.#waiting.grow(server, monotonic())
    if (!news) return
    const { logger } = this.#settings.options
    logger.info({ server: server.name }, 'the agent is back')
  }

  fault({ server, number }: Connection, error: EngineError): void {
    this.#faults.report({ server: server.name, connection: number, error })
  }

  findElsewhere(connection: Connection, head: FrameHead): Exchange | undefined {
    for (const server of this.#lineup.servers) {
      const found = server.find(head, connection)
      if (found !== undefined) return found
    }
    return undefined
  }

  ended(
    connection: Connection,
    exchanges: Exchange[],
    unsent: Exchange[],
    error: EngineError | undefined,
  ): void {
    const now = monotonic()
    const { server } = connection
    const down = server.ended(connection, error, now, Math.random())
    const orphans = connection.async ? server.rehome(exchanges) : exchanges
    // None of them may be found here by what a callback does.
    for (const exchange of orphans) exchange.carrier = undefined
    if (down && this.#closing === undefined) this.#warn(server, now)
    if (error?.fault === 'peer') this.fault(connection, error)
    const cause = error ?? new EngineError('ERR_ENGINE_CONNECTION_LOST')
    if (!server.ready) this.#waiting.spill(server)
    for (const exchange of orphans) {
      // A callback may destroy the engine while the others are told.
      if (this.#destroyed === undefined && mayResend(exchange)) this.#waiting.resend(exchange, server, now)
      else this.fail(exchange, this.#destroyed ?? cause, now)
    }
    for (const exchange of unsent) {
      if (this.#destroyed !== undefined || sendsAway(connection, error))
        this.fail(exchange, this.#destroyed ?? cause, now)
      else this.#waiting.takeBack(exchange)
    }
    if (this.#waiting.size > 0) this.#waiting.advance(now)
  }

  #warn({ name, trust, lastError }: Server<Connection>, now: number): void {
    const { logger } = this.#settings.options
    const fields = { server: name, err: lastError, retryIn: Math.round(trust.retryAt - now) }
    logger.warn(fields, 'the agent is down')
  }

  closed(connection: Connection): void {
    this.#alive.delete(connection)
    this.#checkClosed()
  }

  // Close

  /** Settles when the last socket is gone. */
  close(): Promise<void> {
    if (this.#closing === undefined) {
      this.#closing = new Deferred()
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
    this.#waiting.close()
    this.#unwatch()
    this.#closing.resolve()
  }

  destroy(cause: Error | undefined): void {
    void this.close()
    const error = new EngineError('ERR_ENGINE_INTERRUPTED', 'the engine was destroyed', { cause })
    this.#destroyed = error
    this.#waiting.failAll(error, monotonic())
    for (const connection of this.#alive) connection.destroy(error)
    this.#turn.end()
  }
}

/** An agent that greets and then says why it will have nothing to do with us is no better than one that says so at once. */
function sendsAway({ proven }: Connection, error: EngineError | undefined): boolean {
  return !proven && error?.code === 'ERR_ENGINE_DISCONNECTED' && error.status !== ErrorStatus.Spop
}

/** Once, where that was asked for; what nobody waits for any more is left alone. */
function mayResend({ payload, resent, callback }: Exchange): boolean {
  return payload !== undefined && !resent && callback !== undefined
}
