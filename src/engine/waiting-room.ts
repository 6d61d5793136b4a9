import { monotonic } from '../base/clock.ts'
import { Deadline } from '../base/deadline.ts'
import type { NotifyInput } from '../spop/notify.ts'
import type { ConnectionSettings } from './connection-host.ts'
import { whyHopeless } from './downtime.ts'
import type { EngineError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import type { Lineup } from './lineup.ts'
import { whyNeverSent } from './notify-encoder.ts'
import { QueueTimeout } from './queue-timeout.ts'
import { Queue, type QueueBudget } from './queue.ts'
import type { Server, ServerConnection } from './server.ts'

/** What of a connection it has to know. */
interface Notified extends ServerConnection {
  /** Sends it; answers why it cannot. What was queued is encoded already. */
  notify(exchange: Exchange, messages: NotifyInput, now: number): EngineError | undefined
}

/** Who makes connections, and ends exchanges. */
export interface WaitingHost<C extends ServerConnection> {
  connect(server: Server<C>, now: number): void
  fail(exchange: Exchange, error: EngineError, now: number): void
  /** Not before the call that began it has returned. */
  failLater(exchange: Exchange, error: EngineError, now: number): void
}

const noMessages: NotifyInput = []

/** Attempts are looked after this often at most, in milliseconds. */
const leastPause = 5

/** A process that dies loses its connections one by one: for so many milliseconds none of them is trusted with what it had. */
const dyingPause = 10

/**
 * The exchanges that wait for a connection, at one server or for any, and the attempts to connect that are made for them.
 */
export class WaitingRoom<C extends Notified> {
  readonly #lineup: Lineup<C>
  readonly #budget: QueueBudget
  readonly #settings: ConnectionSettings
  readonly #host: WaitingHost<C>
  /** Exchanges that wait for any server. */
  readonly #queue: Queue
  /** Those that were lost and have nowhere else to go, for {@link dyingPause}. */
  readonly #lost: Queue
  readonly #queueTimeout: QueueTimeout
  /** The next attempt to connect. What waits for it keeps the process alive, for there may be no socket that does. */
  readonly #retry = new Deadline(() => this.advance(monotonic()))
  readonly #dying = new Deadline(() => this.#release())

  constructor(lineup: Lineup<C>, budget: QueueBudget, settings: ConnectionSettings, host: WaitingHost<C>) {
    this.#lineup = lineup
    this.#budget = budget
    this.#settings = settings
    this.#host = host
    this.#queue = new Queue(budget)
    this.#lost = new Queue(budget)
    this.#queueTimeout = new QueueTimeout(settings.options.queueTimeout, (...late) => host.fail(...late))
  }

  /** All that waits. */
  get size(): number {
    return this.#budget.size
  }

  /** Whether some wait for any server, so that nobody may pass them. */
  get isCrowded(): boolean {
    return this.#queue.size > 0
  }

  /** At a server, or for any when there is none; answers why that is in vain. */
  enter(
    exchange: Exchange,
    messages: NotifyInput,
    server: Server<C> | undefined,
    now: number,
  ): EngineError | undefined {
    const queue = server === undefined ? this.#queue : server.queue
    const error = queue.add(exchange, messages)
    if (error !== undefined) return error
    const never = whyNeverSent(exchange.payload?.length ?? 0, this.#settings)
    if (never !== undefined) {
      this.#lineup.due.length = 0 // nothing is tried for it
      return this.#refuse(exchange, queue, never)
    }
    if (server === undefined) this.connectDue(now)
    else this.grow(server, now)
    const reason = server === undefined ? this.#whyHopeless() : undefined
    if (reason !== undefined) return this.#refuse(exchange, queue, reason)
    this.#schedule(now)
    this.#queueTimeout.begin(exchange, now)
    return undefined
  }

  #refuse(exchange: Exchange, queue: Queue, reason: EngineError): EngineError {
    queue.remove(exchange)
    exchange.payload = undefined
    return reason
  }

  #whyHopeless(): EngineError | undefined {
    return whyHopeless(this.#lineup.servers, this.#settings.options.whenDown)
  }

  /** Attempts that the lineup has found to be due. */
  connectDue(now: number): void {
    let server: Server<C> | undefined
    while ((server = this.#lineup.due.shift()) !== undefined) {
      if (server.mayConnect(now)) this.#host.connect(server, now)
    }
  }

  /** Makes as many connections as the queue of a server needs. */
  grow(server: Server<C>, now: number): void {
    // In the middle of a read there may be room already for what is about to be drained.
    const needed = server.queue.size - server.room
    while (server.connecting * server.window < needed && server.mayConnect(now)) {
      this.#host.connect(server, now)
    }
  }

  /** When to look again at what waits, though nothing else happens. */
  #schedule(now: number): void {
    let next = Infinity
    if (this.#budget.size > 0) {
      for (const server of this.#lineup.servers) next = Math.min(next, server.nextAttempt(now))
    }
    if (next === Infinity) this.#retry.disarm()
    else this.#retry.arm(Math.max(leastPause, next - now), now)
  }

  /** Gives all that waits to whoever can take it, or fails it when there is nobody to wait for. */
  advance(now: number): void {
    for (const server of this.#lineup.servers) {
      if (server.queue.size === 0) continue
      if (server.of.usable || server.alive > 0) this.#drain(server, now)
      else this.spill(server)
    }
    this.#serve(now)
    const reason = this.#queue.size > 0 ? this.#whyHopeless() : undefined
    if (reason !== undefined) this.#failQueue(this.#queue, reason, now)
    this.#schedule(now)
  }

  /** What waits at a server goes to its connections. */
  #drain(server: Server<C>, now: number): void {
    let exchange: Exchange | undefined
    while ((exchange = server.queue.first) !== undefined) {
      const connection = server.pick(now)
      if (connection === undefined) return this.grow(server, now)
      server.queue.remove(exchange)
      const error = connection.notify(exchange, noMessages, now)
      if (error !== undefined) this.#host.failLater(exchange, error, now)
    }
  }

  /** What waits for any server goes to those that are ready. */
  #serve(now: number): void {
    let exchange: Exchange | undefined
    while ((exchange = this.#queue.first) !== undefined) {
      const server = this.#lineup.choose(now)
      if (server === undefined) break
      this.#queue.remove(exchange)
      this.#place(exchange, server, now)
    }
    this.connectDue(now)
  }

  #place(exchange: Exchange, server: Server<C>, now: number): void {
    server.queue.push(exchange)
    this.#drain(server, now)
  }

  /** What waits at a server waits for any. */
  spill(server: Server<C>): void {
    for (const exchange of server.queue.takeAll()) this.#queue.push(exchange)
  }

  /** A connection of this server has room. */
  freed(server: Server<C>, now: number): void {
    this.#drain(server, now)
    if (this.#queue.size > 0) this.#serve(now)
  }

  /** What has not left a connection that is over waits for any. Whoever calls looks after all that wait then. */
  takeBack(exchange: Exchange): void {
    this.#queue.push(exchange)
  }

  /** What was sent on a connection that is lost: elsewhere if there is an elsewhere. */
  resend(exchange: Exchange, lost: Server<C>, now: number): void {
    exchange.resent = true
    exchange.sentAt = -1
    exchange.frameId = 0
    exchange.fragmented = false
    const server = this.#lineup.choose(now, lost)
    if (server !== undefined && server !== lost) return this.#place(exchange, server, now)
    this.#lost.push(exchange)
    if (!this.#dying.armed) this.#dying.arm(dyingPause, now)
  }

  /** What was lost waits for any server, as all else does. */
  #release(): void {
    for (const exchange of this.#lost.takeAll()) this.#queue.push(exchange)
    this.advance(monotonic())
  }

  /** Everything that waits ends so. */
  failAll(error: EngineError, now: number): void {
    this.#failQueue(this.#queue, error, now)
    this.#failQueue(this.#lost, error, now)
    for (const { queue } of this.#lineup.servers) this.#failQueue(queue, error, now)
  }

  #failQueue(queue: Queue, error: EngineError, now: number): void {
    for (const exchange of queue.takeAll()) this.#host.fail(exchange, error, now)
  }

  /** Stops the timers. */
  close(): void {
    this.#retry.stop()
    this.#dying.stop()
    this.#queueTimeout.clear()
  }
}
