import { formatEndpoint } from '../net/endpoint.ts'
import type { FrameHead } from '../spop/frame-head.ts'
import { Breaker } from './breaker.ts'
import { EngineError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import type { EngineSettings } from './options.ts'
import type { Slots } from './slots.ts'
import type { RemoteEndpoint } from './socket.ts'
import type { ServerStats } from './stats.ts'

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
  /** From now on the exchange is this connection's. */
  adopt(exchange: Exchange): void
}

/** One server of an engine: its connections, and whether more may be made. */
export class Server<C extends ServerConnection> {
  readonly name: string
  readonly endpoint: RemoteEndpoint
  readonly breaker: Breaker
  /** Those that are open. */
  readonly connections: C[] = []
  /** How many are being made or greeted. */
  connecting = 0
  /** What a connection may carry. */
  readonly maxWindow: number
  /** What one more connection is expected to carry: what the last one agreed on. */
  window: number
  /** The last failure. */
  lastError: EngineError | undefined
  #connects = 0
  #connectFailures = 0
  #reconnects = 0
  #wasLost = false
  readonly #maxConnections: number

  constructor(endpoint: RemoteEndpoint, options: EngineSettings, window: number) {
    this.name = formatEndpoint(endpoint)
    this.endpoint = endpoint
    this.breaker = new Breaker(options)
    this.maxWindow = window
    this.window = window
    this.#maxConnections = options.maxConnections
  }

  /** All that exist. */
  get alive(): number {
    return this.connections.length + this.connecting
  }

  /** A connection for one more exchange. A suspect one is better than none when no other can be had. */
  pick(now: number): C | undefined {
    const connections = this.connections
    const best = pickConnection(connections, false)
    if (best !== undefined || this.connecting > 0 || this.mayConnect(now)) return best
    return pickConnection(connections, true)
  }

  mayConnect(now: number): boolean {
    return this.alive < this.#maxConnections && this.breaker.allows(now, this.alive)
  }

  /** Keeps account of an attempt. */
  attempted(): void {
    this.breaker.attempt()
    this.connecting++
    this.#connects++
    if (this.#wasLost) this.#reconnects++
    this.#wasLost = false
  }

  opened(connection: C): void {
    this.connecting--
    this.window = connection.slots.window
    this.connections.push(connection)
  }

  /** Answers whether the server is down from now on and was not before. */
  ended(connection: C, error: EngineError | undefined, now: number, chance: number): boolean {
    const index = this.connections.indexOf(connection)
    if (index >= 0) this.connections.splice(index, 1)
    else this.connecting--
    if (error === undefined) return false
    if (index < 0) this.#connectFailures++
    this.lastError = error
    this.#wasLost = true
    // One that has answered was good: only the next attempt can tell whether the server still is.
    return connection.proven ? false : this.breaker.fail(now, chance)
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
      connects: this.#connects,
      connectFailures: this.#connectFailures,
      reconnects: this.#reconnects,
      circuit: this.breaker.state,
      lastError: this.lastError,
    }
  }
}

/** What a server says about its downtime. */
export interface Failing {
  readonly name: string
  readonly lastError: EngineError | undefined
}

/** Why nothing can be asked: the status is that of the last failure, 257 for I/O. */
export function describeDowntime(servers: readonly Failing[]): EngineError {
  const cause = servers.findLast(({ lastError }) => lastError !== undefined)?.lastError
  const detail = servers
    .map(({ name, lastError }) => `${name}: ${lastError?.message ?? 'not tried'}`)
    .join('; ')
  return new EngineError('ERR_ENGINE_UNAVAILABLE', detail, { status: cause?.status ?? 257, cause })
}
