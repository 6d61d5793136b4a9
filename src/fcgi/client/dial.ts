import { formatEndpoint } from '../../endpoint.ts'
import type { Endpoint } from '../../endpoint.ts'
import { FcgiError } from '../errors.ts'
import { LingeringSocket } from './lingering-socket.ts'

/** How long after a full backlog of a unix socket (EAGAIN) the next attempt is made, in milliseconds. */
const backlogDelay = 20

/** What {@link Dial} reports; one of them, once, and not before its constructor has returned. */
export interface DialEvents {
  connected(socket: LingeringSocket): void
  failed(error: FcgiError): void
}

/** Making the connection of a client: one attempt, or several while the backlog of a unix socket is full. */
export class Dial {
  #socket: LingeringSocket | undefined
  #over = false
  #retryTimer: NodeJS.Timeout | undefined
  readonly #timer: NodeJS.Timeout
  readonly #endpoint: Endpoint
  readonly #events: DialEvents

  /** @param timeout - milliseconds for all attempts together. */
  constructor(endpoint: Endpoint, timeout: number, events: DialEvents) {
    this.#endpoint = endpoint
    this.#events = events
    this.#timer = setTimeout(() => {
      this.#fail(new FcgiError('ERR_FCGI_CONNECT_TIMEOUT', formatEndpoint(endpoint), { notRun: true }))
    }, timeout)
    this.#attempt()
  }

  /** Gives up, and reports nothing. */
  cancel(): void {
    this.#over = true
    clearTimeout(this.#timer)
    clearTimeout(this.#retryTimer)
    this.#socket?.destroy()
  }

  #attempt(): void {
    const socket = new LingeringSocket()
    this.#socket = socket
    const onError = (error: NodeJS.ErrnoException) => this.#refused(error)
    socket.once('error', onError)
    socket.once('connect', () => {
      if (this.#over) return
      this.#over = true
      clearTimeout(this.#timer)
      socket.off('error', onError)
      this.#events.connected(socket)
    })
    const endpoint = this.#endpoint
    if (endpoint.type === 'unix') socket.connect({ path: endpoint.path })
    else if (endpoint.type === 'tcp') socket.connect({ host: endpoint.host, port: endpoint.port })
    else socket.destroy(new Error('a descriptor cannot be connected to'))
  }

  #refused(error: NodeJS.ErrnoException): void {
    if (this.#over) return
    if (error.code === 'EAGAIN' && this.#endpoint.type === 'unix') {
      this.#retryTimer = setTimeout(() => this.#attempt(), backlogDelay)
      return
    }
    const detail = `${formatEndpoint(this.#endpoint)}: ${error.message}`
    this.#fail(new FcgiError('ERR_FCGI_CONNECT', detail, { cause: error, notRun: true }))
  }

  #fail(error: FcgiError): void {
    this.cancel()
    this.#events.failed(error)
  }
}
