/** Connects to an endpoint. */
import { Socket } from 'node:net'
import type { Endpoint } from '../../endpoint.ts'
import { socketOptions } from './socket-options.ts'

/** How long after a full backlog of a unix socket (EAGAIN) the next attempt is made, in milliseconds. */
const backlogDelay = 20

/** A connection that is being made. */
export interface Dialling {
  /** Nothing is told any more. */
  cancel(): void
}

/** What came of it: one of the two, once. */
export interface DialEvents<Made extends Socket = Socket> {
  /** The socket has no listeners. */
  onConnected(socket: Made): void
  onFailed(why: 'error' | 'timeout', error: Error | undefined): void
}

/** A socket of the data path, to be connected. */
export function createSocket(): Socket {
  return new Socket(socketOptions)
}

/** Begins to connect; `timeout` in milliseconds, undefined for as long as the kernel tries. */
export function dial(endpoint: Endpoint, timeout: number | undefined, events: DialEvents): Dialling {
  return dialWith(createSocket, endpoint, timeout, events)
}

/**
 * The same with sockets of the caller's making. A unix socket whose backlog is full refuses at once, where TCP would
 * wait: as long as there is a time-out, it is tried again.
 */
export function dialWith<Made extends Socket>(
  create: () => Made,
  endpoint: Endpoint,
  timeout: number | undefined,
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
    made.once('connect', () => {
      if (!settle()) return
      made.removeAllListeners()
      events.onConnected(made)
    })
    made.on('error', (error) => fail('error', error))
    made.on('close', () => fail('error'))
    made.connect(connectOptions(endpoint))
  }
  if (timeout !== undefined) timer = setTimeout(() => fail('timeout'), timeout)
  attempt()
  return {
    cancel: () => {
      if (settle()) drop()
    },
  }
}

function connectOptions(endpoint: Endpoint): { host: string; port: number } | { path: string } {
  if (endpoint.type === 'tcp') return { host: endpoint.host, port: endpoint.port }
  return { path: endpoint.type === 'unix' ? endpoint.path : `/dev/fd/${endpoint.fd}` }
}
