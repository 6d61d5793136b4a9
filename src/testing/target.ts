/** How tests reach an agent: by its address, by a stream of their own, or in memory. */
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import { formatEndpoint, isEndpointLike, toEndpoint, type Endpoint } from '../net/endpoint.ts'
import { errorMessage } from '../base/errors.ts'
import { dial } from '../net/dial.ts'
import { requireArgument } from '../base/options.ts'
import { TestingError } from './errors.ts'
import { createSocketPair, isAcceptor, type Acceptor } from '../net/memory-socket.ts'

/** Makes a new connection to the agent under test. */
export type Connect = () => Duplex | Promise<Duplex>

/** An address (`host:port`, `/path`, …), an agent of this process, or a function that connects. */
export type Target = string | Endpoint | Acceptor | Connect

/** How to connect, beside where. */
export interface ConnectOptions {
  /** Speak TLS, with these options. @default none */
  readonly tls?: ConnectionOptions | undefined
  /** Milliseconds. @default 2000 */
  readonly timeout?: number | undefined
}

/**
 * A function that connects to the target.
 * @throws UsageError `ERR_SLUICE_ADDRESS`, `ERR_SLUICE_OPTION` for what is no target at all; what it makes throws TestingError `ERR_TESTING_CLOSED` when it cannot connect.
 */
export function connectorOf(target: Target, options: ConnectOptions = {}): Connect {
  if (typeof target === 'function') return target
  if (isAcceptor(target)) return () => connectInMemory(target)
  const rule = 'must be an address, an agent, or a function that connects'
  requireArgument(isEndpointLike(target), 'the target', rule, target)
  const endpoint = toEndpoint(target)
  return () => connectSocket(endpoint, options)
}

/** A connection in memory: the other end is the agent's. */
export function connectInMemory(agent: Acceptor): Duplex {
  const [ours, theirs] = createSocketPair()
  agent.accept(theirs, 'memory')
  return ours
}

function connectSocket(endpoint: Endpoint, { tls, timeout = 2000 }: ConnectOptions): Promise<Duplex> {
  if (endpoint.type === 'fd') {
    return Promise.reject(
      new TestingError('ERR_TESTING_CLOSED', `${formatEndpoint(endpoint)} is no address to connect to`),
    )
  }
  return new Promise((resolve, reject) => {
    const fail = (reason: string, cause?: unknown) => {
      clearTimeout(timer)
      dialling.cancel()
      const detail = `cannot connect to ${formatEndpoint(endpoint)}: ${reason}`
      reject(new TestingError('ERR_TESTING_CLOSED', detail, { cause }))
    }
    const succeed = (socket: Socket) => {
      clearTimeout(timer)
      // Until somebody listens, an early reset must not end the process.
      socket.on('error', () => {})
      resolve(socket)
    }
    let secure: Socket | undefined
    const timer = setTimeout(() => {
      secure?.destroy()
      fail(`nothing after ${timeout} ms`)
    }, timeout)
    const dialling = dial(
      endpoint,
      { create: () => new Socket().setNoDelay(true), timeout: undefined },
      {
        onConnected: (socket) => {
          if (tls === undefined) return succeed(socket)
          secure = beginTls(socket, endpoint, tls, succeed, (error) => fail(errorMessage(error), error))
        },
        onFailed: (_, error) => fail(errorMessage(error), error),
      },
    )
  })
}

/** The stage behind the connection. */
function beginTls(
  socket: Socket,
  endpoint: Endpoint,
  options: ConnectionOptions,
  succeed: (socket: Socket) => void,
  fail: (error: Error) => void,
): Socket {
  const host = endpoint.type === 'tcp' ? { host: endpoint.host } : {}
  const secure = connectTls({ ...host, ...options, socket })
  const onError = (error: Error) => {
    secure.destroy()
    fail(error)
  }
  secure.once('error', onError)
  secure.once('secureConnect', () => {
    secure.off('error', onError)
    succeed(secure)
  })
  return secure
}
