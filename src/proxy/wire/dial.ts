/** Connects to an endpoint. */
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import type { Endpoint } from '../../endpoint.ts'
import { socketOptions } from './socket-options.ts'

/** A connection that is being made. */
export interface Dialling {
  /** Nothing is told any more. */
  cancel(): void
}

/** What came of it: one of the two, once. */
export interface DialEvents {
  /** The socket has no listeners. */
  onConnected(socket: Socket): void
  onFailed(why: 'error' | 'timeout', error: Error | undefined): void
}

/** Begins to connect; `timeout` in milliseconds, undefined for as long as the kernel tries. */
export function dial(endpoint: Endpoint, timeout: number | undefined, events: DialEvents): Dialling {
  const socket = open(endpoint)
  let over = false
  let timer: NodeJS.Timeout | undefined
  const settle = (): boolean => {
    if (over) return false
    over = true
    if (timer !== undefined) clearTimeout(timer)
    socket.removeAllListeners()
    return true
  }
  const fail = (why: 'error' | 'timeout', error?: Error): void => {
    if (!settle()) return
    discard(socket)
    events.onFailed(why, error)
  }
  if (timeout !== undefined) timer = setTimeout(() => fail('timeout'), timeout)
  socket.once('connect', () => {
    if (settle()) events.onConnected(socket)
  })
  socket.on('error', (error) => fail('error', error))
  socket.on('close', () => fail('error'))
  return {
    cancel: () => {
      if (settle()) discard(socket)
    },
  }
}

/** It may still fail, and nobody is interested any more. */
function discard(socket: Socket): void {
  socket.on('error', () => {})
  socket.destroy()
}

function open(endpoint: Endpoint): Socket {
  if (endpoint.type === 'tcp') return connect({ host: endpoint.host, port: endpoint.port, ...socketOptions })
  return connect({
    path: endpoint.type === 'unix' ? endpoint.path : `/dev/fd/${endpoint.fd}`,
    ...socketOptions,
  })
}
