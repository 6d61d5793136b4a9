/**
 * An agent (SPOA): keeps its connections, and knows its handlers. Where it listens and whom it lets in is listeners.ts, what
 * happens on a connection is connection.ts, what happens to a NOTIFY is dispatcher.ts.
 */
import type { Duplex } from 'node:stream'
import type { SecureContextOptions } from 'node:tls'
import { monotonic } from '../base/clock.ts'
import { formatEndpoint, toEndpoint, type Endpoint } from '../net/endpoint.ts'
import { UsageError } from '../base/errors.ts'
import { notPromised } from '../base/promise.ts'
import { Turn } from '../base/turn.ts'
import { StatusBoard } from '../status/board.ts'
import type { StatusOptions } from '../status/options.ts'
import type { CheckState } from '../status/readings.ts'
import type { StatusPort } from '../status/port.ts'
import { hasMethods, requireArgument, show } from '../base/options.ts'
import type { Schema } from './arguments/types.ts'
import { AgentConnection } from './connection.ts'
import type { ConnectionHost } from './connection-host.ts'
import { Dispatcher } from './dispatcher.ts'
import {
  checkMiddleware,
  HandlerTable,
  type Handler,
  type MessageHandler,
  type MessageOptions,
  type Middleware,
} from './handlers.ts'
import { AgentError } from './errors.ts'
import { LimitedLog } from './limited-log.ts'
import { LoopLagMonitor } from '../base/loop-lag.ts'
import { resolveListenerOptions, type ListenerOptions } from './listener.ts'
import { Listeners } from './listeners.ts'
import { AgentMetrics } from './metrics.ts'
import { Mistakes } from './mistakes.ts'
import {
  announcedCapabilities,
  resolveAgentOptions,
  type AgentOptions,
  type ResolvedAgentOptions,
} from './options.ts'
import { formatPrometheus } from './prometheus.ts'
import { groupConnections, setConnectionGroups } from './seen-connections.ts'
import { snapshot, type AgentStats } from './stats.ts'
import { openStatusPort } from './status-port.ts'
import type { SeenAgent } from './status-subject.ts'
import { Tracer, type TraceListener } from './trace.ts'
import { AgentTracing } from './tracing.ts'
import { WriterPool } from '../bytes/writer-pool.ts'

/** How often connections are looked at for their timeouts, in milliseconds. */
const sweepInterval = 500
/** Handlers that take long must not hold back the answers of others, in milliseconds: nobody waits longer than this and one handler. */
const longestWait = 0.5
/** Of a connection's buffer for what leaves in one turn, in bytes. */
const outgoingSize = 4096

/** An agent; see {@link createAgent}. */
export class Agent {
  /** What status ports tell beside the counters: sources (lists, databases, stores) and checks of `/readyz`. */
  readonly status = new StatusBoard()
  readonly #options: ResolvedAgentOptions
  readonly #metrics = new AgentMetrics()
  readonly #table: HandlerTable
  readonly #log: LimitedLog
  readonly #dispatcher: Dispatcher
  readonly #tracer = new Tracer()
  readonly #listeners: Listeners
  readonly #statusPorts = new Set<StatusPort>()
  readonly #connections = new Set<AgentConnection>()
  readonly #host: ConnectionHost<AgentConnection>
  #lastId = 0
  #draining = false
  #closed = false
  #sweep: NodeJS.Timeout | undefined
  readonly #lag = new LoopLagMonitor()
  #onEmpty: (() => void) | undefined
  #closing: Promise<void> | undefined

  constructor(options: AgentOptions = {}) {
    this.#options = resolveAgentOptions(options)
    this.#log = new LimitedLog(this.#options.logger)
    const mistakes = new Mistakes(this.#options.logger)
    const tracing = this.#options.tracing === undefined ? undefined : new AgentTracing(this.#options.tracing)
    this.#table = new HandlerTable(this.#metrics, mistakes, tracing)
    this.#dispatcher = new Dispatcher(this.#options, this.#table, this.#metrics, this.#log, mistakes)
    if (tracing !== undefined) this.#dispatcher.use(tracing.middleware)
    this.#listeners = new Listeners({
      options: this.#options,
      metrics: this.#metrics,
      log: this.#log,
      connections: () => this.#connections.size,
      onSocket: (socket, peer) => this.accept(socket, peer),
    })
    setConnectionGroups(this, () => groupConnections(this.#connections))
    this.#host = {
      options: this.#options,
      capabilities: announcedCapabilities(this.#options),
      dispatcher: this.#dispatcher,
      metrics: this.#metrics,
      log: this.#log,
      outboxes: {
        turn: new Turn(longestWait),
        writers: new WriterPool(outgoingSize),
        metrics: this.#metrics,
        maxPendingOutput: this.#options.maxPendingOutput,
        maxFrameSize: this.#options.maxFrameSize,
      },
      tracer: this.#tracer,
      isReady: () => this.ready,
      findSibling: (connection) => this.#findSibling(connection),
      onClose: (connection) => this.#onConnectionClose(connection),
    }
  }

  /**
   * Registers the handler of a message: `message(name, { ip: 'ip' }, handler)` with the arguments that it wants, checked and
   * typed, or `message(name, handler)`, which gets the message as it was on the wire. {@link MessageOptions} may come last.
   * @throws AgentError `ERR_AGENT_DUPLICATE` when the message has one, `ERR_AGENT_SCHEMA` for a wrong declaration.
   */
  // Not two overloads: of those TypeScript tells that none fits, and not which argument is wrong.
  message<const Declared extends Schema | MessageHandler>(
    name: string,
    declared: Declared,
    ...more: Declared extends Schema
      ? [handler: Handler<Declared>, options?: MessageOptions]
      : [options?: MessageOptions]
  ): this {
    const rest: readonly unknown[] = [declared, ...more]
    const typed = rest.length > 0 && typeof rest[0] !== 'function'
    if (typed && rest[0] === undefined) {
      throw new AgentError(
        'ERR_AGENT_SCHEMA',
        `message ${show(name)}: it must be an object of names and types`,
      )
    }
    const [schema, handler, options] = typed ? rest : [undefined, ...rest]
    // The parameters have checked the types; they cannot be followed through here.
    this.#table.add(
      name,
      schema as Schema | undefined,
      handler as MessageHandler,
      (options === undefined ? {} : options) as MessageOptions,
    )
    return this
  }

  /** Registers the handler of every message that has none; without it they are answered with no action. */
  otherwise(handler: MessageHandler, options: MessageOptions = {}): this {
    this.#table.setOtherwise(handler, options)
    return this
  }

  /**
   * Adds middleware; the `before`s run in the order of their registration.
   * @throws UsageError `ERR_SLUICE_OPTION` for what has neither a function `before` nor `after`.
   */
  use(middleware: Middleware): this {
    this.#dispatcher.use(checkMiddleware(middleware))
    return this
  }

  /**
   * Listens on `host:port`, `/path`, `unix@/path`, `abns@name` or `fd@3`; may be called for several addresses.
   * Resolves to the address, with the port that the kernel chose when port 0 was asked for.
   * Waits until the threads of a `createOffload` whose handler is registered have loaded their module.
   * @throws AgentError `ERR_AGENT_LISTEN`, `ERR_AGENT_OFFLOAD`; UsageError `ERR_SLUICE_ADDRESS`, `ERR_SLUICE_OPTION`, `ERR_SLUICE_CLOSED`.
   */
  async listen(where: string | Endpoint, options: ListenerOptions = {}): Promise<Endpoint> {
    if (this.#closed) throw new UsageError('ERR_SLUICE_CLOSED', 'listen() after close()')
    const endpoint = toEndpoint(where)
    const settings = resolveListenerOptions(options, endpoint)
    // Whoever connects is to be answered: the threads of a createOffload() load their module first.
    await this.#table.ready()
    this.#refuseOver('listen')
    const address = await this.#listeners.open(endpoint, settings)
    this.#refuseOver('listen')
    this.#lag.start()
    this.#startSweep()
    this.#options.logger.info({ address: formatEndpoint(address) }, 'agent listens')
    return address
  }

  /**
   * Serves one stream that is connected already: a socket from elsewhere, or one end of a pair in memory. `peer` is what
   * log lines call it. Nothing happens when the stream is closed already.
   * @throws UsageError `ERR_SLUICE_OPTION` for what is no stream, `ERR_SLUICE_CLOSED`.
   */
  accept(stream: Duplex, peer = 'stream'): void {
    const isStream = hasMethods(stream, 'on', 'write', 'end', 'pause', 'resume', 'destroy')
    requireArgument(isStream, 'accept(): the stream', 'must be a Duplex', stream)
    requireArgument(typeof peer === 'string', 'accept(): the peer', 'must be a string', peer)
    if (this.#closed) throw new UsageError('ERR_SLUICE_CLOSED', 'accept() after close()')
    // It would never say again that it is, and be counted for ever.
    if (stream.closed) return
    this.#metrics.connectionsActive++
    this.#connections.add(new AgentConnection(++this.#lastId, stream, peer, this.#host))
    this.#startSweep()
    if (this.#connections.size >= this.#options.maxConnections) this.#listeners.pause()
  }

  /**
   * Replaces certificate, key, authorities or what else is given, for the connections that come from now on: those that
   * are open stay as they are. What is not given stays too. It is tried first, so a wrong one changes nothing.
   * @throws UsageError `ERR_SLUICE_OPTION` for what OpenSSL cannot use, an unknown name, or an agent without `tls`.
   */
  setSecureContext(options: SecureContextOptions): void {
    this.#listeners.setSecureContext(options)
  }

  /** The flag changes while something is awaited. */
  #refuseOver(what: string): void {
    if (this.#closed) throw new UsageError('ERR_SLUICE_CLOSED', `close() while ${what}() was waiting`)
  }

  #onConnectionClose(connection: AgentConnection): void {
    this.#connections.delete(connection)
    this.#metrics.connectionsActive--
    this.#listeners.resume()
    if (this.#connections.size === 0) this.#onEmpty?.()
  }

  #findSibling(connection: AgentConnection): AgentConnection | undefined {
    for (const each of this.#connections) {
      if (each !== connection && each.engineId === connection.engineId && each.takesForeignAcks) return each
    }
    return undefined
  }

  #startSweep(): void {
    // Behind the reading of this turn: after a busy one, timers run before what has come in time is seen.
    this.#sweep ??= setInterval(() => setImmediate(() => this.#checkTimeouts()), sweepInterval).unref()
  }

  #checkTimeouts(): void {
    const now = monotonic()
    for (const connection of this.#connections) connection.checkTimeouts(now)
    this.#listeners.resume()
  }

  /** Where the agent listens. */
  get addresses(): Endpoint[] {
    return this.#listeners.addresses
  }

  /** Whether health checks succeed: not while draining, and not while `options.ready` says no. */
  get ready(): boolean {
    return !this.#draining && !this.#closed && this.#askReady()
  }

  #askReady(): boolean {
    try {
      return notPromised('ready()', this.#options.ready?.()) ?? true
    } catch (error) {
      const code = 'ERR_AGENT_INTERNAL'
      this.#metrics.countError(code)
      this.#log.log('error', 'ready', { code, err: error }, 'ready() gave no answer: not ready')
      return false
    }
  }

  /**
   * Fails health checks from now on and serves everything else as before: HAProxy takes the server out of its
   * rotation. Follow with {@link Agent.close} after a few intervals of its `check inter`: nothing is asked any more
   * then, and nothing is lost.
   */
  drain(): void {
    this.#draining = true
  }

  /**
   * Closes gracefully: stops listening, answers what is in flight, says DISCONNECT 0 on each connection in a lull of
   * its traffic, and waits for the peers to go, `closeTimeout` at most. What HAProxy sends while our DISCONNECT is on its
   * way fails there with status 256: call {@link Agent.drain} first where that matters.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    if (!this.#closed) await this.#sayGoodbye()
    this.destroy()
    // What was cut is gone a turn later; handlers have seen their signal then.
    await this.#emptied(1000)
    await Promise.all([...this.#statusPorts].map((port) => port.close()))
  }

  async #sayGoodbye(): Promise<void> {
    this.#closed = true
    await this.#listeners.close()
    this.#listeners.destroyHandshakes()
    for (const connection of this.#connections) connection.drain()
    await this.#emptied(this.#options.closeTimeout)
  }

  #emptied(limit: number): Promise<void> {
    if (this.#connections.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, limit)
      this.#onEmpty = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** Closes at once: connections are cut, handlers see their signal aborted. */
  destroy(): void {
    this.#closed = true
    void this.#listeners.close()
    for (const connection of this.#connections) connection.destroy()
    for (const port of this.#statusPorts) void port.close()
    clearInterval(this.#sweep)
    this.#sweep = undefined
    this.#dispatcher.clear()
    this.#lag.stop()
  }

  /** The same as {@link Agent.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /**
   * Hands every frame that comes or goes to `listener`, until it is called with undefined.
   * @throws UsageError `ERR_SLUICE_OPTION` for what is neither.
   */
  trace(listener: TraceListener | undefined): void {
    if (listener !== undefined && typeof listener !== 'function') {
      throw new UsageError('ERR_SLUICE_OPTION', 'trace(): the listener must be a function, or undefined')
    }
    this.#tracer.set(listener)
  }

  /**
   * Opens a status port, which closes with the agent: `/healthz`, `/readyz`, `/metrics`, `/stats.json` and a live page at `/`
   * (docs/status.md). `where` is as in {@link Agent.listen}; `9100` and `:9100` are loopback, other addresses must be given.
   * May be called before `listen()`: the agent is not ready until it listens.
   * @throws AgentError `ERR_AGENT_LISTEN`; UsageError `ERR_SLUICE_ADDRESS`, `ERR_SLUICE_OPTION`, `ERR_SLUICE_CLOSED`.
   */
  async serveStatus(where: string | Endpoint, options: StatusOptions = {}): Promise<StatusPort> {
    if (this.#closed) throw new UsageError('ERR_SLUICE_CLOSED', 'serveStatus() after close()')
    const port = await openStatusPort(where, options, this.#seen(), this.status, this.#options.logger)
    if (this.#closed) await port.close()
    this.#refuseOver('serveStatus')
    this.#statusPorts.add(port)
    return port
  }

  /** What a status page sees. */
  #seen(): SeenAgent {
    return {
      stats: () => this.stats,
      addresses: () => this.addresses.map(formatEndpoint),
      connections: () => groupConnections(this.#connections),
      checks: () => this.#checks(),
      metrics: () => this.metrics(),
      observe: (observer) => this.#dispatcher.observe(observer),
    }
  }

  #checks(): CheckState[] {
    const leaving = this.#closed ? 'closing' : this.#draining ? 'draining' : ''
    return [
      { name: 'listening', ok: this.#listeners.listening, detail: 'no address is listened on' },
      { name: 'not draining', ok: leaving === '', detail: leaving },
      { name: 'ready()', ok: this.#askReady(), detail: "the agent's option ready says no" },
    ].map((each) => (each.ok ? { ...each, detail: '' } : each))
  }

  /** All counters, now. */
  get stats(): AgentStats {
    return snapshot(this.#metrics, this.ready, this.#lag.lag)
  }

  /** The same counters as Prometheus text. */
  metrics(): string {
    return formatPrometheus(this.stats)
  }
}

/**
 * Creates an agent (SPOA, SPOE.txt section 3) that works with HAProxy 1.8.10 and later.
 *
 * @throws UsageError `ERR_SLUICE_OPTION` for an unknown option or a wrong value; `ERR_SLUICE_ADDRESS` in `allowedPeers`.
 * @example
 * ```ts
 * import { createAgent } from 'sluice/agent'
 *
 * const agent = createAgent()
 * agent.message('get-ip-reputation', { ip: 'ip' }, ({ ip }, actions) => {
 *   actions.setVar('sess', 'ip_score', ip.toString().startsWith('192.0.2.') ? 10 : 90)
 * })
 * await agent.listen('127.0.0.1:12345')
 * ```
 */
export function createAgent(options: AgentOptions = {}): Agent {
  return new Agent(options)
}
