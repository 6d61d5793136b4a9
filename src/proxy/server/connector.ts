/**
 * Gets a stream to a server: chooses one, waits in the queue, connects, tries again (`retries`, `option redispatch`).
 * TCP and HTTP streams both have one.
 */
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { monotonic } from '../../clock.ts'
import type { Endpoint } from '../../endpoint.ts'
import type { Backend } from './backend.ts'
import type { Server } from './server.ts'
import type { ProxyStream } from '../stream/stream.ts'

/** Why no server can be had. */
export type Unavailable = 'no-server' | 'queue-timeout' | 'queue-full' | 'connect-error' | 'connect-timeout'

/** What a stream does with a server. */
export interface ConnectorClient {
  /** A server was chosen. True: the stream is served already, on a connection that was there. */
  onServer(server: Server): boolean
  /** The connection stands. */
  onConnected(socket: Socket): void
  /** Nothing more will come. */
  onUnavailable(why: Unavailable): void
}

/** A server that refused is left alone for this long before it is asked again, in milliseconds. */
const turnAround = 1000

/**
 * Of all sockets: either side may end before the other, and a socket takes two reads of the other side before it says
 * that it has enough.
 */
export const socketOptions = { allowHalfOpen: true, noDelay: true, highWaterMark: 131_072 }

/** See the head of this file. */
export class Connector {
  readonly #stream: ProxyStream & ConnectorClient
  readonly #backend: Backend
  #server: Server | undefined
  #socket: Socket | undefined
  #timer: NodeJS.Timeout | undefined
  #queued = false
  #over = false

  constructor(stream: ProxyStream & ConnectorClient, backend: Backend) {
    this.#stream = stream
    this.#backend = backend
  }

  start(): void {
    this.#assign(undefined)
  }

  /** Begins again with a connection of its own, after one that was reused has died. */
  startFresh(server: Server): void {
    this.#server = server
    this.#open(server)
  }

  /** Gives everything up and everything back. */
  cancel(): void {
    this.#over = true
    this.#stopWaiting()
    this.#closeSocket()
    this.#releaseServer()
  }

  /** The stream is through with its server; another one may go there. */
  done(): void {
    this.#over = true
    this.#releaseServer()
  }

  /** From the queue: it is this stream's turn. */
  serve(server: Server): void {
    this.#stopWaiting()
    this.#take(server)
  }

  #assign(avoid: Server | undefined): void {
    const server = this.#backend.choose(avoid)
    if (server !== undefined) {
      if (avoid !== undefined && server !== avoid) this.#stream.redispatched = true
      this.#take(server)
    } else if (this.#backend.usableServers === 0) this.#fail('no-server')
    else this.#wait()
  }

  #wait(): void {
    const { queue, connect: fallback } = this.#backend.plan.model.timeouts
    const timeout = queue ?? fallback
    this.#stream.stage = 'Q'
    this.#queued = true
    this.#stream.queuedBefore = this.#backend.enqueue(this) + 1
    if (timeout !== undefined) {
      this.#timer = setTimeout(() => {
        this.#stopWaiting()
        this.#stream.times.assigned = monotonic()
        this.#fail('queue-timeout')
      }, timeout)
    }
  }

  #stopWaiting(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#queued) this.#backend.leaveQueue(this)
    this.#queued = false
  }

  #take(server: Server): void {
    const stream = this.#stream
    this.#server = server
    server.served++
    server.total++
    stream.server = server
    if (stream.times.assigned < 0) stream.times.assigned = monotonic()
    stream.stage = 'C'
    if (!stream.onServer(server)) this.#open(server)
  }

  #releaseServer(): void {
    const server = this.#server
    if (server === undefined) return
    this.#server = undefined
    server.served--
    if (this.#backend.queued > 0) this.#backend.serveQueue()
  }

  #open(server: Server): void {
    const socket = connectTo(server.plan.model.address)
    this.#socket = socket
    const { connect: timeout } = this.#backend.plan.model.timeouts
    if (timeout !== undefined) {
      this.#timer = setTimeout(() => this.#onFailure(socket, 'connect-timeout'), timeout)
    }
    socket.once('connect', () => this.#onConnect(socket))
    socket.on('error', () => this.#onFailure(socket, 'connect-error'))
    socket.on('close', () => this.#onFailure(socket, 'connect-error'))
  }

  #onConnect(socket: Socket): void {
    if (this.#socket !== socket) return
    this.#socket = undefined
    this.#stopWaiting()
    socket.removeAllListeners('error')
    socket.removeAllListeners('close')
    this.#stream.times.connected = monotonic()
    this.#stream.onConnected(socket)
  }

  #onFailure(socket: Socket, why: 'connect-error' | 'connect-timeout'): void {
    if (this.#socket !== socket || this.#over) return
    this.#closeSocket()
    this.#stopWaiting()
    const stream = this.#stream
    const { retries } = this.#backend.plan.model
    if (stream.retries >= retries) return this.#fail(why)
    stream.retries++
    const server = this.#server
    if (server === undefined || !server.usable || this.#mayRedispatch()) {
      this.#releaseServer()
      return this.#assign(server)
    }
    // A timeout has waited long enough already.
    const { connect: timeout } = this.#backend.plan.model.timeouts
    const delay = why === 'connect-timeout' ? 0 : Math.min(turnAround, timeout ?? turnAround)
    this.#timer = setTimeout(() => this.#again(server), delay)
  }

  #again(server: Server): void {
    this.#timer = undefined
    if (this.#over) return
    if (server.usable) return this.#open(server)
    this.#releaseServer()
    this.#assign(server)
  }

  /**
   * With a balance that does not bind clients to servers and a second server, HAProxy goes there at once, whatever the
   * options say (`back_handle_st_cer`); else `option redispatch` allows it at every n-th retry, or at the n-th last.
   */
  #mayRedispatch(): boolean {
    if (this.#backend.usableServers > 1) return true
    const { options, retries } = this.#backend.plan.model
    if (options.redispatch === undefined) return false
    const { interval } = options.redispatch
    if (interval < 0) return (retries - this.#stream.retries) % -interval === 0
    return interval > 0 && this.#stream.retries % interval === 0
  }

  #fail(why: Unavailable): void {
    this.#over = true
    this.#releaseServer()
    this.#stream.onUnavailable(why)
  }

  #closeSocket(): void {
    const socket = this.#socket
    this.#socket = undefined
    if (socket === undefined) return
    // It may still fail, and nobody is interested any more.
    socket.on('error', () => {})
    socket.destroy()
  }
}

/** Begins to connect. Either side may end before the other. */
export function connectTo(endpoint: Endpoint): Socket {
  if (endpoint.type === 'tcp') {
    const { host, port } = endpoint
    return connect({ host, port, ...socketOptions })
  }
  const path = endpoint.type === 'unix' ? endpoint.path : `/dev/fd/${endpoint.fd}`
  return connect({ path, ...socketOptions })
}
