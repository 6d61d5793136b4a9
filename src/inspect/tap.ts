/**
 * The man in the middle: accepts connections, makes one to the server for each, passes on what comes, and shows it to an
 * inspector. Bytes pass as they come, unless something is to be delayed or dropped: then frames do.
 */
import { Buffer } from 'node:buffer'
import { createServer, Socket, type Server } from 'node:net'
import { errorMessage } from '../base/errors.ts'
import { dial } from '../net/dial.ts'
import { formatEndpoint, type Endpoint } from '../net/endpoint.ts'
import { listenOn } from '../net/listener.ts'
import { resetStream } from '../net/memory-socket.ts'
import type { Entry, Side } from './entry.ts'
import type { InspectedConnection, Inspector } from './inspector.ts'

/** What is held up, by the name of the message. */
export interface Meddling {
  /** Milliseconds. */
  readonly delays: ReadonlyMap<string, number>
  readonly drops: ReadonlySet<string>
}

/** What a tap needs. */
export interface TapOptions {
  readonly listen: Endpoint
  readonly forward: Endpoint
  readonly meddling: Meddling
  /** The time, in milliseconds since 1970. */
  readonly now: () => number
  /** What is wrong with a connection, or with listening, for people. */
  readonly onTrouble: (text: string) => void
  /** Connections that can be made take longer than that, in milliseconds, only when they are lost. */
  readonly connectTimeout: number
}

/** How often it is looked whether something should have come, in milliseconds. */
const expiry = 20

/** Listens until it is closed. Entries of its connections must be given to {@link Tap.onEntry}. */
export class Tap {
  readonly #options: TapOptions
  readonly #inspector: Inspector
  readonly #server: Server
  readonly #connections = new Map<number, TappedConnection>()
  /** Clients whose server is being connected to. */
  readonly #waiting = new Set<Socket>()
  #timer: NodeJS.Timeout | undefined

  constructor(inspector: Inspector, options: TapOptions) {
    this.#inspector = inspector
    this.#options = options
    this.#server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) =>
      this.#accept(socket),
    )
  }

  /** Resolves with where it listens. Rejects with the error of the system. */
  async listen(): Promise<Endpoint> {
    const { listen, onTrouble } = this.#options
    const onAcceptError = (error: Error) => onTrouble(`accepting failed: ${error.message}`)
    const bound = await listenOn(this.#server, listen, { remove: 'unanswered', onAcceptError })
    this.#timer = setInterval(() => this.#expire(), expiry)
    return bound
  }

  /** What the inspector tells: frames pass on by it where something is to be delayed or dropped. */
  onEntry(entry: Entry): void {
    if (entry.kind === 'frame' || entry.kind === 'broken')
      this.#connections.get(entry.connection)?.onEntry(entry)
  }

  /** Ends all connections, and resolves when nothing listens any more. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const connection of this.#connections.values()) connection.destroy()
    for (const socket of this.#waiting) socket.destroy()
    await closed
  }

  #expire(): void {
    const now = this.#options.now()
    for (const { inspected } of this.#connections.values()) inspected.expire(now)
  }

  #accept(client: Socket): void {
    const { forward, now, onTrouble, connectTimeout, meddling } = this.#options
    const ends = { client: peerOf(client), server: formatEndpoint(forward) }
    const inspected = this.#inspector.open(ends, now())
    // Until the server is there, the client may go.
    client.on('error', () => {})
    this.#waiting.add(client)
    dial(
      forward,
      { create: () => new Socket({ allowHalfOpen: true }).setNoDelay(true), timeout: connectTimeout },
      {
        onConnected: (server) => {
          this.#waiting.delete(client)
          const over = () => this.#connections.delete(inspected.id)
          const connection = new TappedConnection(inspected, { client, server }, { meddling, now, over })
          this.#connections.set(inspected.id, connection)
          connection.start()
        },
        onFailed: (why, error) => {
          this.#waiting.delete(client)
          const reason = why === 'timeout' ? `nothing after ${connectTimeout} ms` : errorMessage(error)
          onTrouble(`#${inspected.id}: cannot connect to ${ends.server}: ${reason}`)
          inspected.end('server', 'reset', now())
          resetStream(client)
        },
      },
    )
  }
}

function peerOf(socket: Socket): string {
  const { remoteAddress, remotePort } = socket
  if (remoteAddress === undefined) return 'unix'
  return remoteAddress.includes(':') ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`
}

interface TappedOptions extends Pick<TapOptions, 'meddling' | 'now'> {
  readonly over: () => void
}

const otherSide = (side: Side): Side => (side === 'client' ? 'server' : 'client')

/** Two sockets, one on each side. */
class TappedConnection {
  readonly inspected: InspectedConnection
  readonly #sockets: Readonly<Record<Side, Socket>>
  readonly #options: TappedOptions
  readonly #framewise: boolean
  /** Fragments whose message is not known yet. */
  #fragments: Buffer[] = []
  readonly #delayed = new Set<NodeJS.Timeout>()
  /** Sides that have ended while something of theirs was delayed. */
  readonly #ending = new Set<Side>()
  readonly #told = new Set<Side>()
  #broken: Side[] = []

  constructor(
    inspected: InspectedConnection,
    sockets: Readonly<Record<Side, Socket>>,
    options: TappedOptions,
  ) {
    this.inspected = inspected
    this.#sockets = sockets
    this.#options = options
    this.#framewise = options.meddling.delays.size + options.meddling.drops.size > 0
  }

  start(): void {
    for (const side of ['client', 'server'] as const) {
      const socket = this.#sockets[side]
      socket.on('data', (chunk: Buffer) => this.#onData(side, chunk))
      socket.on('drain', () => this.#sockets[otherSide(side)].resume())
      socket.on('end', () => this.#onEnd(side))
      socket.on('error', () => {})
      socket.on('close', (hadError) => this.#onClose(side, hadError))
      socket.resume()
    }
    // It may have gone while the server was being connected to, and says so no more.
    if (this.#sockets.client.destroyed) this.#onClose('client', true)
  }

  destroy(): void {
    for (const timer of this.#delayed) clearTimeout(timer)
    for (const socket of Object.values(this.#sockets)) socket.destroy()
  }

  #onData(side: Side, chunk: Buffer): void {
    // The frames of what is broken are not told any more.
    if (!this.#framewise || this.#broken.includes(side)) this.#send(side, chunk)
    this.inspected.push(side, chunk, this.#options.now())
  }

  /** A whole frame was read. */
  onEntry(entry: Extract<Entry, { kind: 'frame' | 'broken' }>): void {
    if (!this.#framewise) return
    const { from, bytes } = entry
    if (entry.kind === 'broken') {
      this.#broken = [...this.#broken, from]
      return this.#send(from, bytes)
    }
    if (entry.continues) return void this.#fragments.push(bytes)
    const frames = from === 'client' ? [...this.#fragments, bytes] : [bytes]
    if (from === 'client') this.#fragments = []
    const { delays, drops } = this.#options.meddling
    if (entry.messages.some((name) => drops.has(name))) return
    const delay = Math.max(0, ...entry.messages.map((name) => delays.get(name) ?? 0))
    if (delay === 0) return this.#send(from, Buffer.concat(frames))
    const timer = setTimeout(() => {
      this.#delayed.delete(timer)
      this.#send(from, Buffer.concat(frames))
      if (this.#delayed.size === 0) for (const side of this.#ending) this.#sockets[otherSide(side)].end()
    }, delay)
    this.#delayed.add(timer)
  }

  #send(from: Side, bytes: Buffer): void {
    const to = this.#sockets[otherSide(from)]
    if (to.writable && !to.write(bytes)) this.#sockets[from].pause()
  }

  #onEnd(side: Side): void {
    this.#tell(side, 'fin')
    if (side === 'client' && this.#delayed.size > 0) this.#ending.add(side)
    else this.#sockets[otherSide(side)].end()
  }

  #onClose(side: Side, hadError: boolean): void {
    const other = this.#sockets[otherSide(side)]
    if (hadError || !this.#told.has(side)) {
      this.#tell(side, 'reset')
      // What the other side does now is our doing.
      this.#told.add(otherSide(side))
      resetStream(other)
    }
    if (other.destroyed) this.#options.over()
  }

  #tell(side: Side, how: 'fin' | 'reset'): void {
    if (this.#told.has(side)) return
    this.#told.add(side)
    this.inspected.end(side, how, this.#options.now())
  }
}
