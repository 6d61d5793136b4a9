/** One listening socket: TCP, unix or an inherited descriptor, with or without TLS. */
import { chmod, unlink } from 'node:fs/promises'
import {
  connect,
  createServer,
  type AddressInfo,
  type ListenOptions,
  type Server,
  type Socket,
} from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { formatEndpoint, type Endpoint } from '../endpoint.ts'
import { errorMessage } from '../errors.ts'
import { AgentError } from './errors.ts'

/** How to listen, beside where. */
export interface ListenerOptions {
  /** Permissions of a unix socket, such as `0o660`. @default what the umask leaves */
  readonly mode?: number
  /** Connections that the kernel keeps waiting. @default 511 */
  readonly backlog?: number
}

/** See the head of this file. */
export class Listener {
  readonly #endpoint: Endpoint
  readonly #options: ListenerOptions
  readonly #tls: TlsOptions | undefined
  readonly #onSocket: (socket: Socket) => void
  #server: Server | undefined
  /** Where it listens: the port that the kernel chose, when 0 was asked for. */
  address: Endpoint

  constructor(
    endpoint: Endpoint,
    options: ListenerOptions,
    tls: TlsOptions | undefined,
    onSocket: (socket: Socket) => void,
  ) {
    this.#endpoint = endpoint
    this.address = endpoint
    this.#options = options
    this.#tls = tls
    this.#onSocket = onSocket
  }

  /** Whether connections are accepted. */
  get listening(): boolean {
    return this.#server !== undefined
  }

  /** A descriptor cannot be opened again after it was closed. */
  get reopens(): boolean {
    return this.#endpoint.type !== 'fd'
  }

  /**
   * Starts to accept. A unix socket that nobody listens on any more is removed first.
   * @throws AgentError `ERR_AGENT_LISTEN` naming address and reason.
   */
  async open(): Promise<void> {
    try {
      await this.#listen()
    } catch (error) {
      if (!(await this.#removeStaleSocket(error))) throw this.#explain(error)
      await this.#listen().catch((again: unknown) => {
        throw this.#explain(again)
      })
    }
    if (this.address.type === 'unix' && this.#options.mode !== undefined) {
      await chmod(this.address.path, this.#options.mode)
    }
  }

  #listen(): Promise<void> {
    const server = this.#createServer()
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(this.#listenOptions(), () => {
        server.off('error', reject)
        // Accepting can fail later, for want of descriptors; the socket goes on listening.
        server.on('error', () => {})
        this.#server = server
        this.#noteAddress(server.address())
        resolve()
      })
    })
  }

  #createServer(): Server {
    const shared = { noDelay: true, allowHalfOpen: true }
    if (this.#tls === undefined) return createServer(shared, this.#onSocket)
    const server = createTlsServer({ ...this.#tls, ...shared }, this.#onSocket)
    // A handshake that fails is that client's business alone.
    server.on('tlsClientError', () => {})
    return server
  }

  #listenOptions(): ListenOptions | { fd: number } {
    const { backlog = 511 } = this.#options
    const endpoint = this.address
    switch (endpoint.type) {
      case 'tcp':
        return { host: endpoint.host, port: endpoint.port, backlog }
      case 'unix':
        return { path: endpoint.path, backlog }
      case 'fd':
        return { fd: endpoint.fd }
    }
  }

  #noteAddress(address: AddressInfo | string | null): void {
    if (this.#endpoint.type !== 'tcp' || address === null || typeof address === 'string') return
    this.address = { type: 'tcp', host: this.#endpoint.host, port: address.port }
  }

  async #removeStaleSocket(error: unknown): Promise<boolean> {
    const endpoint = this.#endpoint
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || endpoint.type !== 'unix') return false
    if (endpoint.path.startsWith('\0') || (await isAnswered(endpoint.path))) return false
    await unlink(endpoint.path)
    return true
  }

  #explain(error: unknown): AgentError {
    const where = formatEndpoint(this.#endpoint)
    const code = (error as NodeJS.ErrnoException).code
    const reason = code === 'EADDRINUSE' ? 'the address is in use by another process' : errorMessage(error)
    return new AgentError('ERR_AGENT_LISTEN', `${where}: ${reason}`, error)
  }

  /** Stops accepting; connections stay. */
  close(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (server === undefined) return Promise.resolve()
    // close() calls back only after the last connection; the listening socket itself is gone at once.
    server.close()
    return Promise.resolve()
  }
}

/** Whether a process listens on a unix socket. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
