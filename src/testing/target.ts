/** How tests reach an agent: by its address, by a stream of their own, or in memory. */
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import { formatEndpoint, isEndpointLike, toEndpoint, type Endpoint } from '../endpoint.ts'
import { errorMessage } from '../errors.ts'
import { hasMethods, requireArgument } from '../options.ts'
import { TestingError } from './errors.ts'
import { createSocketPair } from './memory-socket.ts'

/** Makes a new connection to the agent under test. */
export type Connect = () => Duplex | Promise<Duplex>

/** Something that takes connections: `Agent` of sluice/agent does. */
export interface Acceptor {
  /** Serves a connected stream. */
  accept(stream: Duplex, peer?: string): void
}

/** An address (`host:port`, `/path`, …), an agent of this process, or a function that connects. */
export type Target = string | Endpoint | Acceptor | Connect

/** How to connect, beside where. */
export interface ConnectOptions {
  /** Speak TLS, with these options. @default none */
  readonly tls?: ConnectionOptions | undefined
  /** Milliseconds. @default 2000 */
  readonly timeout?: number
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

/** Whether something takes connections. */
export function isAcceptor(given: unknown): given is Acceptor {
  return hasMethods(given, 'accept')
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
  const where =
    endpoint.type === 'unix'
      ? { path: endpoint.path }
      : { host: endpoint.host, port: endpoint.port, noDelay: true }
  return new Promise((resolve, reject) => {
    const socket = tls === undefined ? connect(where) : connectTls({ ...tls, ...where })
    const fail = (reason: string, cause?: unknown) => {
      clearTimeout(timer)
      socket.destroy()
      reject(
        new TestingError('ERR_TESTING_CLOSED', `cannot connect to ${formatEndpoint(endpoint)}: ${reason}`, {
          cause,
        }),
      )
    }
    const onError = (error: Error) => fail(errorMessage(error), error)
    const timer = setTimeout(() => fail(`nothing after ${timeout} ms`), timeout)
    socket.once('error', onError)
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
      clearTimeout(timer)
      socket.off('error', onError)
      // Until somebody listens, an early reset must not end the process.
      socket.on('error', () => {})
      resolve(socket)
    })
  })
}
