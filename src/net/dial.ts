/**
 * Connects to an endpoint: the one way for the engine, the FastCGI client, the proxy and the test tools.
 *
 * What comes between a connection and its first byte of protocol has its place behind {@link DialEvents.onConnected}: a
 * PROXY protocol header (`send-proxy`) is written to the socket, then TLS is begun on it (`connect({ socket })` of
 * node:tls, which src/testing does), and the result is what the caller goes on with. The time-out of the connection does
 * not count what comes behind.
 */
import { Socket } from 'node:net'
import { monotonic } from '../base/clock.ts'
import { Deadlines } from '../base/deadlines.ts'
import type { Expiring, Lane } from '../base/deadlines.ts'
import type { Endpoint } from './endpoint.ts'

/** How long after a full backlog of a unix socket (EAGAIN) the next attempt is made, in milliseconds. */
const backlogDelay = 20

/** A connection that is being made. */
export interface Dialling {
  /** Nothing is told any more. */
  cancel(): void
}

/** What came of it: one of the two, once, and never from within `dial`. */
export interface DialEvents<Made extends Socket = Socket> {
  /** The socket has no listeners. */
  onConnected(socket: Made): void
  /** `error` is undefined for a time-out. */
  onFailed(why: 'error' | 'timeout', error: Error | undefined): void
}

/** How to connect, beside where. */
export interface DialOptions<Made extends Socket> {
  /** Makes the socket; called again for another attempt. */
  readonly create: () => Made
  /** For all attempts together, in milliseconds; undefined for as long as the kernel tries. */
  readonly timeout: number | undefined
}

/**
 * Begins to connect. A unix socket whose backlog is full refuses at once, where TCP would wait: as long as there is a
 * time-out, it is tried again.
 */
export function dial<Made extends Socket>(
  endpoint: Endpoint,
  options: DialOptions<Made>,
  events: DialEvents<Made>,
): Dialling {
  const dialled = new Dialled(endpoint, options, events)
  dialled.begin()
  return dialled
}

/** Time-outs: a socket that is connecting keeps the process alive by itself. */
const deadlines = new Deadlines<Expiring>((item) => item.expire(), false)

const owner = Symbol('dialled')

/** Whose socket it is. */
interface Owner {
  onConnected(): void
  fail(why: 'error' | 'timeout', error?: Error): void
}

/** Listeners are the same for all sockets, which know whose they are: proxies dial for every request. */
interface DialledSocket extends Socket {
  [owner]?: Owner | undefined
}

function whenConnected(this: DialledSocket): void {
  this[owner]?.onConnected()
}

function whenFailed(this: DialledSocket, error: Error): void {
  this[owner]?.fail('error', error)
}

function whenClosed(this: DialledSocket): void {
  this[owner]?.fail('error')
}

/**
 *   connecting ──▶ over            connected, failed, timed out, cancelled
 *      ▲  └─EAGAIN─▶ waiting ──┐
 *      └───────────────────────┘
 */
class Dialled<Made extends Socket> implements Dialling, Owner, Expiring {
  deadline = 0
  lane: Lane<Expiring> | undefined
  earlier: Expiring | undefined
  later: Expiring | undefined
  readonly #endpoint: Endpoint
  readonly #options: DialOptions<Made>
  readonly #events: DialEvents<Made>
  #socket: Made | undefined
  #over = false
  #again: NodeJS.Timeout | undefined

  constructor(endpoint: Endpoint, options: DialOptions<Made>, events: DialEvents<Made>) {
    this.#endpoint = endpoint
    this.#options = options
    this.#events = events
  }

  begin(): void {
    const { timeout } = this.#options
    if (timeout !== undefined) deadlines.arm(this, timeout, monotonic())
    this.#attempt()
  }

  #attempt(): void {
    const socket = this.#options.create()
    this.#socket = socket
    ;(socket as DialledSocket)[owner] = this
    socket.on('connect', whenConnected)
    socket.on('error', whenFailed)
    socket.on('close', whenClosed)
    connectSocket(socket, this.#endpoint)
  }

  onConnected(): void {
    const socket = this.#socket
    if (socket === undefined || !this.#settle()) return
    this.#socket = undefined
    ;(socket as DialledSocket)[owner] = undefined
    // One by one: to remove all of them would make a dictionary of the socket's events.
    socket.off('connect', whenConnected)
    socket.off('error', whenFailed)
    socket.off('close', whenClosed)
    this.#events.onConnected(socket)
  }

  fail(why: 'error' | 'timeout', error?: NodeJS.ErrnoException): void {
    if (this.#over) return
    this.#drop()
    const { timeout } = this.#options
    if (error?.code === 'EAGAIN' && this.#endpoint.type === 'unix' && timeout !== undefined) {
      this.#again = setTimeout(() => this.#attempt(), backlogDelay)
      return
    }
    this.#settle()
    this.#events.onFailed(why, error)
  }

  expire(): void {
    this.fail('timeout')
  }

  cancel(): void {
    if (this.#settle()) this.#drop()
  }

  /** It may still fail, and nobody is interested any more. */
  #drop(): void {
    const socket = this.#socket
    this.#socket = undefined
    if (socket === undefined) return
    ;(socket as DialledSocket)[owner] = undefined
    socket.off('connect', whenConnected)
    socket.destroy()
  }

  #settle(): boolean {
    if (this.#over) return false
    this.#over = true
    deadlines.remove(this)
    clearTimeout(this.#again)
    return true
  }
}

/** Begins to connect a socket that its owner listens to; what fails, fails by its events. */
export function connectSocket<Made extends Socket>(socket: Made, endpoint: Endpoint): Made {
  if (endpoint.type === 'tcp') socket.connect({ host: endpoint.host, port: endpoint.port })
  else if (endpoint.type === 'unix') socket.connect({ path: endpoint.path })
  else socket.destroy(new Error('a descriptor cannot be connected to'))
  return socket
}
