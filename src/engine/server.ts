import type { Balanced } from '../net/balance/balancer.ts'
import type { FrameHead } from '../spop/frame-head.ts'
import type { ConnectRate } from './connect-rate.ts'
import type { EngineError, EngineErrorCode } from './errors.ts'
import type { Exchange } from './exchange.ts'
import type { EngineSettings } from './options.ts'
import { Queue, type QueueBudget } from './queue.ts'
import type { Slots } from './slots.ts'
import type { AgentServer } from './source.ts'
import type { ServerStats } from './stats.ts'
import { Trust } from './trust.ts'

/** The best of a server's connections for one more exchange: the one with the fewest, suspect ones only if allowed. */
export function pickConnection<C extends Pickable>(
  connections: readonly C[],
  suspects: boolean,
): C | undefined {
  let best: C | undefined
  let least = Infinity
  for (const connection of connections) {
    const { size, suspect } = connection.slots
    if (size >= least || suspect !== suspects || !connection.available) continue
    best = connection
    if (size === 0) break
    least = size
  }
  return best
}

/** What picking looks at. */
export interface Pickable {
  readonly available: boolean
  readonly slots: { readonly size: number; readonly suspect: boolean }
}

/** What of a connection its server has to know. */
export interface ServerConnection extends Pickable {
  readonly slots: Slots
  /** Whether the agent may answer on any connection. */
  readonly async: boolean
  /** Whether an ACK that matched has come. */
  readonly proven: boolean
  /** Whether it has something to write at the end of this turn. */
  readonly gathering: boolean
  /** From now on the exchange is this connection's. */
  adopt(exchange: Exchange): void
}

/** What all servers of an engine share. */
export interface ServerSettings {
  readonly options: EngineSettings
  /** NOTIFYs in flight on one connection, at most. */
  readonly window: number
  readonly budget: QueueBudget
  readonly rate: ConnectRate
}

/** Of a connection within the process: many NOTIFYs share the price of a turn, and looking one up stays a short walk. */
const inProcessWindow = 128

/** How an agent refuses the handshake. */
const refusals: readonly EngineErrorCode[] = ['ERR_ENGINE_DISCONNECTED', 'ERR_ENGINE_PROTOCOL']

/** One server of an engine: its connections, what waits for them, and whether more may be made. */
export class Server<C extends ServerConnection> implements Balanced {
  readonly of: AgentServer
  readonly name: string
  readonly id: number
  readonly trust: Trust
  /** Exchanges that were given to it, and wait for a connection. */
  readonly queue: Queue
  /** Those that are open. */
  readonly connections: C[] = []
  /** How many are being made or greeted. */
  connecting = 0
  /** One of these takes so long that exchanges had better go elsewhere. */
  slow = false
  /** It is in the list of servers no more: its connections leave when nothing is in flight on them. */
  retired = false
  /** What a connection may carry. */
  readonly maxWindow: number
  /** What one more connection is expected to carry: what the last one agreed on. */
  window: number
  /** The last failure. */
  lastError: EngineError | undefined
  /** Whether the last attempt was answered with a refusal: it is there, and will have nothing to do with us. */
  refuses = false
  #connects = 0
  #connectFailures = 0
  #reconnects = 0
  #wasLost = false
  readonly #maxConnections: number
  /** See `EngineOptions.turn`. */
  readonly #shares: boolean
  readonly #rate: ConnectRate
  /** What was picked last. */
  #last: C | undefined

  constructor(of: AgentServer, id: number, { options, window, budget, rate }: ServerSettings) {
    this.of = of
    this.name = of.name
    this.id = id
    this.trust = new Trust(options)
    this.queue = new Queue(budget)
    this.maxWindow = of.inProcess === true ? Math.max(window, inProcessWindow) : window
    this.window = this.maxWindow
    this.#maxConnections = options.maxConnections
    this.#shares = options.turn === 'share'
    this.#rate = rate
  }

  get weight(): number {
    return this.of.weight
  }

  /** Exchanges under way, for the balance. */
  get served(): number {
    let count = this.queue.size
    for (const { slots } of this.connections) count += slots.live
    return count
  }

  /** All that exist. */
  get alive(): number {
    return this.connections.length + this.connecting
  }

  get open(): number {
    return this.connections.length
  }

  /** One that has not answered anything yet, and may still. */
  get unproven(): boolean {
    for (const { proven, slots } of this.connections) if (!proven && !slots.suspect) return true
    return false
  }

  /** Whether an exchange may be left with it: it has a connection, or will soon have one. */
  get ready(): boolean {
    if (this.connections.length > 0) return true
    return this.trust.state === 'up' && !this.slow
  }

  /** The same where there are others: whether it would be sent soon. */
  hasRoom(now: number): boolean {
    if (!this.ready) return false
    if (pickConnection(this.connections, false) !== undefined || this.mayConnect(now)) return true
    // Behind the first connection there will be others.
    const coming = this.#growing ? Infinity : this.connecting
    return this.queue.size < coming * this.window
  }

  get #growing(): boolean {
    return this.connecting > 0 && this.connections.length === 0 && !this.of.full && this.#maxConnections === 0
  }

  /** How many exchanges its connections would take now. */
  get room(): number {
    let room = 0
    for (const { available, slots } of this.connections) {
      if (available && !slots.suspect) room += slots.window - slots.size
    }
    return room
  }

  /**
   * A connection for one more exchange: where turns are shared one that writes at the end of this turn already (as an applet of
   * HAProxy takes all that waits, `spoe_handle_processing_appctx`), else the one with the fewest. A suspect one is better than none
   * when no other can be had.
   */
  pick(now: number): C | undefined {
    const last = this.#shares ? this.#last : undefined
    if (last?.gathering === true && !last.slots.suspect && last.available) return last
    const connections = this.connections
    const best = pickConnection(connections, false)
    this.#last = best
    if (best !== undefined || this.connecting > 0 || this.mayConnect(now)) return best
    return pickConnection(connections, true)
  }

  mayConnect(now: number): boolean {
    const { of } = this
    return (
      of.usable &&
      !of.full &&
      !this.retired &&
      (this.#maxConnections === 0 || this.alive < this.#maxConnections) &&
      this.trust.allows(now, this) &&
      this.#rate.allows(now)
    )
  }

  /** When an attempt may be made that may not be made now, by the clock; Infinity when time alone changes nothing. */
  nextAttempt(now: number): number {
    const { of, trust } = this
    if (!of.usable || of.full || this.retired) return Infinity
    const rateAllows = this.#rate.allows(now)
    if (trust.state === 'up') return rateAllows ? Infinity : now + this.#rate.pause
    if (this.connecting > 0 || this.unproven) return Infinity
    return rateAllows ? trust.retryAt : Math.max(trust.retryAt, now + this.#rate.pause)
  }

  /** Keeps account of an attempt. */
  attempted(now: number): void {
    this.connecting++
    this.#connects++
    this.#rate.count(now)
    if (this.#wasLost) this.#reconnects++
    this.#wasLost = false
  }

  opened(connection: C): void {
    this.connecting--
    this.slow = false
    this.refuses = false
    this.window = connection.slots.window
    this.connections.push(connection)
  }

  /** Answers whether the server is down from now on and was not before. */
  ended(connection: C, error: EngineError | undefined, now: number, chance: number): boolean {
    if (this.#last === connection) this.#last = undefined
    const index = this.connections.indexOf(connection)
    if (index >= 0) this.connections.splice(index, 1)
    else this.connecting--
    if (this.connecting === 0) this.slow = false
    if (error === undefined) return false
    if (index < 0) this.#connectFailures++
    this.refuses = index < 0 && refusals.includes(error.code)
    this.lastError = error
    this.#wasLost = true
    // One that has answered was good: only the next attempt can tell whether the server still is.
    return connection.proven ? false : this.trust.fail(now, chance)
  }

  /** What waits for this ACK on another connection, where the agent may answer on any. */
  find(head: FrameHead, except: C): Exchange | undefined {
    for (const other of this.connections) {
      const found = other === except || !other.async ? undefined : other.slots.find(head)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** Where the agent may answer on any connection, another takes over. Answers what none took. */
  rehome(exchanges: Exchange[]): Exchange[] {
    const heir = this.connections.find((each) => each.async)
    if (heir === undefined) return exchanges
    for (const exchange of exchanges) if (exchange.callback !== undefined) heir.adopt(exchange)
    return []
  }

  get stats(): ServerStats {
    let idle = 0
    let free = 0
    let inFlight = 0
    let expired = 0
    for (const { slots } of this.connections) {
      if (slots.size === 0) idle++
      if (slots.free) free++
      inFlight += slots.live
      expired += slots.expired
    }
    return {
      server: this.name,
      connections: this.connections.length,
      connecting: this.connecting,
      idle,
      free,
      inFlight,
      expired,
      queued: this.queue.size,
      connects: this.#connects,
      connectFailures: this.#connectFailures,
      reconnects: this.#reconnects,
      trust: this.trust.state,
      lastError: this.lastError,
    }
  }
}
