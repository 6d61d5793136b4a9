/**
 * Connects to an endpoint: the one way for the engine, the FastCGI client, the proxy and the test tools.
 *
 * What comes between a connection and its first byte of protocol has its place behind {@link DialEvents.onConnected}: a
 * PROXY protocol header (`send-proxy`) is written to the socket, then TLS is begun on it (`connect({ socket })` of
 * node:tls, which src/testing does), and the result is what the caller goes on with. The time-out of the connection does
 * not count what comes behind.
 */
import { Socket } from 'node:net'
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
  { create, timeout }: DialOptions<Made>,
  events: DialEvents<Made>,
): Dialling {
  let socket: Made | undefined
  let over = false
  let timer: NodeJS.Timeout | undefined
  let again: NodeJS.Timeout | undefined
  const drop = (): void => {
    const dropped = socket
    socket = undefined
    if (dropped === undefined) return
    dropped.removeAllListeners()
    // It may still fail, and nobody is interested any more.
    dropped.on('error', () => {})
    dropped.destroy()
  }
  const settle = (): boolean => {
    if (over) return false
    over = true
    clearTimeout(timer)
    clearTimeout(again)
    return true
  }
  const fail = (why: 'error' | 'timeout', error?: NodeJS.ErrnoException): void => {
    if (over) return
    drop()
    if (error?.code === 'EAGAIN' && endpoint.type === 'unix' && timeout !== undefined) {
      again = setTimeout(attempt, backlogDelay)
      return
    }
    settle()
    events.onFailed(why, error)
  }
  const attempt = (): void => {
    const made = create()
    socket = made
    const onError = (error: Error): void => fail('error', error)
    const onClose = (): void => fail('error')
    const onConnect = (): void => {
      if (!settle()) return
      // One by one: to remove all of them would make a dictionary of the socket's events.
      made.off('connect', onConnect)
      made.off('error', onError)
      made.off('close', onClose)
      events.onConnected(made)
    }
    made.on('connect', onConnect)
    made.on('error', onError)
    made.on('close', onClose)
    connectSocket(made, endpoint)
  }
  if (timeout !== undefined) timer = setTimeout(() => fail('timeout'), timeout)
  attempt()
  return {
    cancel: () => {
      if (settle()) drop()
    },
  }
}

/** Begins to connect a socket that its owner listens to; what fails, fails by its events. */
export function connectSocket<Made extends Socket>(socket: Made, endpoint: Endpoint): Made {
  if (endpoint.type === 'tcp') socket.connect({ host: endpoint.host, port: endpoint.port })
  else if (endpoint.type === 'unix') socket.connect({ path: endpoint.path })
  else socket.destroy(new Error('a descriptor cannot be connected to'))
  return socket
}
