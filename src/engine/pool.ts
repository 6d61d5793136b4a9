/**
 * The policy of the engine: which connection carries an exchange, when connections are made, what waits, and how
 * exchanges end. All sockets are behind connection.ts.
 */
import { Writer } from '../bytes/writer.ts'
import { monotonic } from '../clock.ts'
import { UsageError } from '../errors.ts'
import type { Action } from '../spop/ack.ts'
import type { FrameHead } from '../spop/frame-head.ts'
import { encodeMessages, type MessageInput } from '../spop/notify.ts'
import { Connection, type ConnectionHost, type ConnectionSettings } from './connection.ts'
import { Deadlines } from './deadlines.ts'
import type { ExchangeCallback } from './engine.ts'
import { EngineError } from './errors.ts'
import { Exchange, ExchangeList, type ExchangeOwner } from './exchange.ts'
import { FaultReport, rethrow } from './fault-report.ts'
import { maxTimeout, serverEndpoint } from './options.ts'
import { failure, success, type Outcome } from './outcome.ts'
import type { EngineStream } from './profile.ts'
import { Server } from './server.ts'
import { sumStatistics, type EngineStatistics } from './statistics.ts'

const noMessages: readonly MessageInput[] = []

/** See the head of this file. */
export class Pool implements ExchangeOwner {
  readonly servers: readonly Server[]
  readonly #settings: ConnectionSettings
  readonly #deadlines = new Deadlines((exchange, now) => this.#expire(exchange, now))
  readonly #queue = new ExchangeList()
  #queueSize = 0
  readonly #scratch = new Writer()
  readonly #faults: FaultReport
  readonly #errors = new Map<number, number>()
  #exchanges = 0
  #acks = 0
  #lateAcks = 0
  /** Exchanges whose callback was not called yet. */
  #pending = 0
  /** Where the round begins next time. */
  #turn = 0
  #connectionCount = 0
  /** Whatever still has a socket. */
  readonly #alive = new Set<Connection>()
  #dirty: Connection[] = []
  #doomed: { readonly exchange: Exchange; readonly error: EngineError }[] = []
  #scheduled = false
  #closed: Closing | undefined

  constructor(settings: ConnectionSettings) {
    const { options, profile } = settings
    this.#settings = settings
    this.#faults = new FaultReport(options)
    const window = profile.window === 0 ? options.maxWaitingFrames : profile.window
    this.servers = options.servers.map((server) => new Server(serverEndpoint(server), options, window))
  }

  get stats(): EngineStatistics {
    return sumStatistics(
      this.servers.map((server) => server.stats),
      {
        queued: this.#queue.size,
        exchanges: this.#exchanges,
        acks: this.#acks,
        lateAcks: this.#lateAcks,
        errors: new Map(this.#errors),
        agentFaults: this.#faults.count,
      },
    )
  }

  // Begin

  begin(
    messages: readonly MessageInput[],
    timeout: number,
    callback: ExchangeCallback,
    stream: EngineStream | undefined,
  ): Exchange {
    if (this.#closed !== undefined) throw new UsageError('ERR_SLUICE_CLOSED', 'the engine was closed')
    if (!(timeout >= 1 && timeout <= maxTimeout)) {
      throw new UsageError(
        'ERR_SLUICE_OPTION',
        `a timeout must be from 1 to ${maxTimeout} ms, not ${timeout}`,
      )
    }
    const now = monotonic()
    const exchange = new Exchange(this, callback, stream, now)
    const connection = this.#queue.size === 0 ? this.#acquire(now) : undefined
    const error =
      connection === undefined
        ? this.#enqueue(exchange, messages, now)
        : connection.notify(exchange, messages, now)
    this.#exchanges++
    this.#pending++
    this.#deadlines.add(exchange, Math.ceil(timeout), now)
    if (error !== undefined) this.#doom(exchange, error)
    return exchange
  }

  #enqueue(exchange: Exchange, messages: readonly MessageInput[], now: number): EngineError | undefined {
    const payload = this.#encode(messages)
    const { maxQueue, maxQueueSize } = this.#settings.options
    if (this.#queue.size >= maxQueue) {
      return new EngineError('ERR_ENGINE_QUEUE_FULL', { detail: `maxQueue is ${maxQueue}` })
    }
    if (this.#queueSize + payload.length > maxQueueSize) {
      return new EngineError('ERR_ENGINE_QUEUE_FULL', { detail: `maxQueueSize is ${maxQueueSize}` })
    }
    exchange.payload = payload
    this.#queueSize += payload.length
    this.#queue.push(exchange)
    this.#grow(now)
    if (!this.#hopeless()) return undefined
    this.#unqueue(exchange)
    return this.#unavailable()
  }

  /** A copy: the caller may change what it gave. */
  #encode(messages: readonly MessageInput[]): Buffer {
    const scratch = this.#scratch
    scratch.reset()
    encodeMessages(scratch, messages)
    return Buffer.from(scratch.view())
  }

  #unqueue(exchange: Exchange): void {
    this.#queue.remove(exchange)
    this.#queueSize -= exchange.payload?.length ?? 0
  }

  /** The next server in the round that can take one more; those that cannot get one more connection meanwhile. */
  #acquire(now: number): Connection | undefined {
    const servers = this.servers
    for (let tried = 0; tried < servers.length; tried++) {
      const server = servers[this.#turn] as Server // the turn wraps at the length
      this.#turn = this.#turn + 1 === servers.length ? 0 : this.#turn + 1
      const connection = server.pick(now)
      if (connection !== undefined) return connection
      if (server.connecting === 0 && server.mayConnect(now)) this.#connect(server)
    }
    return undefined
  }

  /** Makes as many connections as the queue needs, in the order of the round. */
  #grow(now: number): void {
    let room = 0
    for (const server of this.servers) room += server.connecting * server.window
    for (let offset = 0; offset < this.servers.length && room < this.#queue.size; offset++) {
      const server = this.servers[(this.#turn + offset) % this.servers.length] as Server // in bounds
      while (room < this.#queue.size && server.mayConnect(now)) {
        this.#connect(server)
        room += server.window
      }
    }
  }

  #connect(server: Server): void {
    server.attempted()
    const host = new ServerLink(this, server)
    this.#alive.add(new Connection(++this.#connectionCount, server.endpoint, this.#settings, host))
  }

  /** Nothing is open and nothing is being tried: waiting would be waiting for the deadline. */
  #hopeless(): boolean {
    return this.servers.every((server) => server.alive === 0)
  }

  #unavailable(): EngineError {
    const causes = this.servers.map((server) => server.lastError).filter((error) => error !== undefined)
    const cause = causes.at(-1)
    const detail = this.servers
      .map(({ name, lastError }) => `${name}: ${lastError?.message ?? 'no try'}`)
      .join('; ')
    return new EngineError('ERR_ENGINE_UNAVAILABLE', { detail, status: cause?.status ?? 257, cause })
  }

  /** Gives what is queued to connections that have room. */
  dispatch(): void {
    if (this.#queue.first === undefined) return
    const now = monotonic()
    let exchange: Exchange | undefined
    while ((exchange = this.#queue.first) !== undefined) {
      const connection = this.#acquire(now)
      if (connection === undefined) return
      this.#unqueue(exchange)
      const error = connection.notify(exchange, noMessages, now)
      if (error !== undefined) this.#doom(exchange, error)
    }
  }

  // End

  acknowledged(exchange: Exchange, actions: readonly Action[], now: number): void {
    this.#acks++
    this.#settle(exchange, success(exchange, actions, now))
  }

  fail(exchange: Exchange, error: EngineError, now: number): void {
    if (exchange.callback === undefined) return
    this.#errors.set(error.status, (this.#errors.get(error.status) ?? 0) + 1)
    this.#settle(exchange, failure(exchange, error, now))
  }

  /** Calls back, once, when all else is done. */
  #settle(exchange: Exchange, outcome: Outcome): void {
    const callback = exchange.callback
    if (callback === undefined) return
    exchange.callback = undefined
    this.#deadlines.remove(exchange)
    this.#pending--
    try {
      callback(outcome)
    } catch (error) {
      rethrow(error)
    }
    if (this.#closed !== undefined && this.#pending === 0) this.#leave()
  }

  /** Takes it from wherever it is; a NOTIFY that is out keeps its slot until its ACK comes. */
  #withdraw(exchange: Exchange, now: number, timedOut: boolean): void {
    if (exchange.carrier !== undefined) exchange.carrier.abandon(exchange, now, timedOut)
    else if (exchange.payload !== undefined) this.#unqueue(exchange)
  }

  #expire(exchange: Exchange, now: number): void {
    const queued = exchange.sentAt < 0
    this.#withdraw(exchange, now, true)
    const detail = `${Math.round(now - exchange.startedAt)} ms${queued ? ', it was not sent' : ''}`
    this.fail(exchange, new EngineError('ERR_ENGINE_TIMEOUT', { detail }), now)
  }

  cancel(exchange: Exchange, error: EngineError): void {
    const now = monotonic()
    this.#withdraw(exchange, now, false)
    this.fail(exchange, error, now)
  }

  late(): void {
    this.#lateAcks++
  }

  /** Fails it at the end of the turn: no callback runs before `exchange()` has returned. */
  #doom(exchange: Exchange, error: EngineError): void {
    exchange.payload = undefined
    this.#doomed.push({ exchange, error })
    this.#schedule()
  }

  // The turn

  dirty(connection: Connection): void {
    this.#dirty.push(connection)
    this.#schedule()
  }

  /**
   * After all sockets of this turn of the loop have been read: whatever they caused leaves in one write per
   * connection. `process.nextTick` would come after each socket.
   */
  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(this.#onTurn)
  }

  readonly #onTurn = (): void => {
    this.#scheduled = false
    const dirty = this.#dirty
    const doomed = this.#doomed
    this.#dirty = []
    this.#doomed = []
    for (const connection of dirty) connection.flush()
    const now = doomed.length === 0 ? 0 : monotonic()
    for (const { exchange, error } of doomed) this.fail(exchange, error, now)
  }

  // Connections

  opened(server: Server, connection: Connection): void {
    server.opened(connection)
    this.dispatch()
    // It may carry less than was expected of it.
    if (this.#queue.size > 0) this.#grow(monotonic())
  }

  proved(server: Server): void {
    if (server.breaker.succeed())
      this.#settings.options.logger.info({ server: server.name }, 'the agent is back')
  }

  ended(server: Server, connection: Connection, exchanges: Exchange[], error: EngineError | undefined): void {
    const now = monotonic()
    const down = server.ended(connection, error, now, Math.random())
    const orphans = connection.async ? this.#rehome(server, exchanges) : exchanges
    if (down && this.#closed === undefined) this.#warn(server, now)
    if (error?.fault === 'peer') this.fault(server, connection, error)
    const failed = error ?? new EngineError('ERR_ENGINE_CONNECTION_LOST')
    // None of them may be found here by what a callback does.
    for (const exchange of orphans) exchange.carrier = undefined
    for (const exchange of orphans) this.fail(exchange, failed, now)
    if (this.#queue.size > 0) this.#recover(now)
  }

  /** Where the agent may answer on any connection, the others take over. Answers what nobody took. */
  #rehome(server: Server, exchanges: Exchange[]): Exchange[] {
    const heir = server.connections.find((each) => each.async)
    if (heir === undefined) return exchanges
    for (const exchange of exchanges) if (exchange.callback !== undefined) heir.adopt(exchange)
    return []
  }

  #warn(server: Server, now: number): void {
    const retryIn = Math.round(server.breaker.retryAt - now)
    this.#settings.options.logger.warn(
      { server: server.name, err: server.lastError, retryIn },
      'the agent is down',
    )
  }

  /** What is queued goes elsewhere, or fails when there is no elsewhere. */
  #recover(now: number): void {
    this.dispatch()
    this.#grow(now)
    if (!this.#hopeless()) return
    this.#failQueue(this.#unavailable(), now)
  }

  #failQueue(error: EngineError, now: number): void {
    const exchanges = this.#queue.takeAll()
    this.#queueSize = 0
    for (const exchange of exchanges) exchange.payload = undefined
    for (const exchange of exchanges) this.fail(exchange, error, now)
  }

  findElsewhere(
    server: Server,
    connection: Connection,
    { streamId, frameId }: FrameHead,
  ): Exchange | undefined {
    for (const each of server.connections) {
      const found = each === connection || !each.async ? undefined : each.waiting.find(streamId, frameId)
      if (found !== undefined) return found
    }
    return undefined
  }

  fault(server: Server, connection: Connection, error: EngineError): void {
    this.#faults.report({ server: server.name, connection: connection.number, error })
  }

  closed(connection: Connection): void {
    this.#alive.delete(connection)
    this.#checkClosed()
  }

  // Close

  /** Settles when the last socket is gone. */
  close(): Promise<void> {
    if (this.#closed === undefined) {
      this.#closed = new Closing()
      if (this.#pending === 0) this.#leave()
    }
    return this.#closed.promise
  }

  #leave(): void {
    for (const connection of this.#alive) connection.leave()
    this.#checkClosed()
  }

  #checkClosed(): void {
    if (this.#closed === undefined || this.#alive.size > 0 || this.#pending > 0) return
    this.#deadlines.clear()
    this.#closed.resolve()
  }

  destroy(cause: Error | undefined): void {
    void this.close()
    const error = new EngineError('ERR_ENGINE_INTERRUPTED', { detail: 'the engine was destroyed', cause })
    const now = monotonic()
    this.#failQueue(error, now)
    for (const connection of this.#alive) connection.destroy(error)
    for (const { exchange } of this.#doomed) this.fail(exchange, error, now)
  }
}

/** A promise and the way to settle it. */
class Closing {
  readonly promise: Promise<void>
  resolve: () => void = () => {}

  constructor() {
    this.promise = new Promise((resolve) => (this.resolve = resolve))
  }
}

/** A connection's way to the pool: it remembers the server. */
class ServerLink implements ConnectionHost {
  readonly #pool: Pool
  readonly #server: Server

  constructor(pool: Pool, server: Server) {
    this.#pool = pool
    this.#server = server
  }

  opened(connection: Connection): void {
    this.#pool.opened(this.#server, connection)
  }

  freed(): void {
    this.#pool.dispatch()
  }

  dirty(connection: Connection): void {
    this.#pool.dirty(connection)
  }

  proved(): void {
    this.#pool.proved(this.#server)
  }

  acknowledged(exchange: Exchange, actions: readonly Action[], now: number): void {
    this.#pool.acknowledged(exchange, actions, now)
  }

  failed(exchange: Exchange, error: EngineError, now: number): void {
    this.#pool.fail(exchange, error, now)
  }

  late(): void {
    this.#pool.late()
  }

  findElsewhere(connection: Connection, head: FrameHead): Exchange | undefined {
    return this.#pool.findElsewhere(this.#server, connection, head)
  }

  fault(connection: Connection, error: EngineError): void {
    this.#pool.fault(this.#server, connection, error)
  }

  ended(connection: Connection, exchanges: Exchange[], error: EngineError | undefined): void {
    this.#pool.ended(this.#server, connection, exchanges, error)
  }

  closed(connection: Connection): void {
    this.#pool.closed(connection)
  }
}
