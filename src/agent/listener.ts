import { createServer, type Server, type Socket } from 'node:net'
import {
  createServer as createTlsServer,
  type Server as TlsServer,
  type TLSSocket,
  type TlsOptions,
} from 'node:tls'
import { formatEndpoint, type Endpoint } from '../net/endpoint.ts'
import { errorMessage, UsageError } from '../base/errors.ts'
import { listenOn } from '../net/listener.ts'
import { integer, optionalInteger, resolveOptions, type Resolved, type Specs } from '../base/options.ts'
import { AgentError } from './errors.ts'

/** How to listen, beside where. */
export interface ListenerOptions {
  /** Permissions of a unix socket, such as `0o660`. @default what the umask leaves */
  readonly mode?: number | undefined
  /** Connections that the kernel keeps waiting. @default 511 */
  readonly backlog?: number | undefined
}

const specs: Specs<ListenerOptions> = {
  mode: optionalInteger({ max: 0o7777 }),
  backlog: integer(511, { min: 1, max: 65_535 }),
}

/** @throws UsageError `ERR_SLUICE_OPTION`, for a `mode` where there is no file, too. */
export function resolveListenerOptions(given: ListenerOptions, where: Endpoint): Resolved<ListenerOptions> {
  const resolved = resolveOptions(specs, given, 'listen')
  const hasFile = where.type === 'unix' && !where.path.startsWith('\0')
  if (given.mode === undefined || hasFile) return resolved
  const why = `option 'mode' is for unix sockets with a path, and ${formatEndpoint(where)} is none`
  throw new UsageError('ERR_SLUICE_OPTION', `listen: ${why}`)
}

/** The {@link ListenerOptions} and what the agent's options say about listening. */
export type ListenerSettings = Resolved<ListenerOptions> & {
  readonly tls: TlsOptions | undefined
  /** For the TLS handshake, in milliseconds; 0 is what Node.js takes: two minutes. */
  readonly handshakeTimeout: number
}

/** Who is told about connections. */
export interface ListenerOwner {
  onSocket(socket: Socket): void
  /** Asked first, before a TLS handshake, too; who answers no destroys the socket. */
  admit(socket: Socket): boolean
  onAcceptError(error: NodeJS.ErrnoException): void
  /** `peer` is whose handshake has failed; the TLS socket itself may have lost its address. */
  onTlsError(error: NodeJS.ErrnoException, socket: TLSSocket, peer: string): void
}

/** One listening socket: TCP, unix or an inherited descriptor, with or without TLS. */
export class Listener {
  readonly #endpoint: Endpoint
  readonly #options: ListenerSettings
  readonly #owner: ListenerOwner
  #tls: TlsOptions | undefined
  #server: Server | undefined
  /** For whom a handshake is under way; a socket that is gone has no address any more. */
  readonly #peers = new WeakMap<Socket, string>()
  #opening: Promise<void> | undefined
  readonly #handshaking = new Map<string, Socket>()
  /** Whether its peers are on this machine and have no address: a unix socket, inherited or not. */
  isLocal = false
  /** Where it listens: the port that the kernel chose, when 0 was asked for. */
  address: Endpoint

  constructor(endpoint: Endpoint, options: ListenerSettings, owner: ListenerOwner) {
    this.#endpoint = endpoint
    this.address = this.#endpoint
    this.#options = options
    this.#tls = options.tls
    this.#owner = owner
  }

  /** Whether connections are accepted. */
  get listening(): boolean {
    return this.#server !== undefined
  }

  /** Whether {@link Listener.open} is under way. */
  get opening(): boolean {
    return this.#opening !== undefined
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
    this.#opening = this.#open()
    try {
      await this.#opening
    } finally {
      this.#opening = undefined
    }
  }

  async #open(): Promise<void> {
    const server = this.#createServer()
    const { mode, backlog } = this.#options
    const onAcceptError = (error: NodeJS.ErrnoException): void => this.#owner.onAcceptError(error)
    try {
      this.address = await listenOn(server, this.address, {
        mode,
        backlog,
        remove: 'unanswered',
        onAcceptError,
      })
    } catch (error) {
      throw this.#explain(error)
    }
    this.#server = server
    const bound = server.address()
    this.isLocal = bound === null || typeof bound === 'string'
  }

  #createServer(): Server {
    const shared = { noDelay: true, allowHalfOpen: true }
    const { handshakeTimeout } = this.#options
    const owner = this.#owner
    const tls = this.#tls
    if (tls === undefined) {
      return createServer(shared, (socket) => {
        if (owner.admit(socket)) owner.onSocket(socket)
      })
    }
    const server = createTlsServer({ handshakeTimeout, ...tls, ...shared }, (socket) =>
      this.#onSecure(socket),
    )
    server.prependListener('connection', (socket: Socket) => this.#onHandshake(socket))
    // A handshake that fails is that client's business alone.
    server.on('tlsClientError', (error, socket) => owner.onTlsError(error, socket, this.#peerOf(socket)))
    return server
  }

  /** Node.js keeps the socket under a TLS socket as its parent, from 20 to 26; without it there is no way from one to the other. */
  #peerOf(socket: TLSSocket): string {
    const { _parent: parent } = socket as { _parent?: Socket }
    return (parent === undefined ? undefined : this.#peers.get(parent)) ?? formatPeer(socket)
  }

  /** New connections get the certificate, the authorities and the rest of `tls` from now on. */
  replaceTls(tls: TlsOptions): void {
    this.#tls = tls
    if (this.#server !== undefined) (this.#server as TlsServer).setSecureContext(tls)
  }

  #onHandshake(socket: Socket): void {
    if (!this.#owner.admit(socket)) return
    const key = handshakeKey(socket)
    this.#peers.set(socket, formatPeer(socket))
    this.#handshaking.set(key, socket)
    socket.once('close', () => this.#handshaking.delete(key))
  }

  #onSecure(socket: Socket): void {
    this.#handshaking.delete(handshakeKey(socket))
    this.#owner.onSocket(socket)
  }

  /** TLS handshakes that are under way. */
  get handshakes(): number {
    return this.#handshaking.size
  }

  /** Ends all TLS handshakes that are under way. */
  destroyHandshakes(): void {
    for (const socket of this.#handshaking.values()) socket.destroy()
  }

  #explain(error: unknown): AgentError {
    const where = formatEndpoint(this.#endpoint)
    const isTaken = /EADDRINUSE/.test(errorMessage(error))
    const reason = isTaken ? 'the address is in use by another process' : errorMessage(error)
    return new AgentError('ERR_AGENT_LISTEN', `${where}: ${reason}`, { cause: error })
  }

  /** Stops accepting; connections stay. */
  async close(): Promise<void> {
    this.#closeServer()
    if (this.#opening === undefined) return
    // What is being opened is open before it can be closed.
    await this.#opening.catch(() => {})
    this.#closeServer()
  }

  #closeServer(): void {
    const server = this.#server
    this.#server = undefined
    // close() calls back only after the last connection; the listening socket itself is gone at once.
    server?.close()
  }
}

/** What log lines call the other end of a socket. */
export function formatPeer(socket: Socket): string {
  if (socket.remoteAddress === undefined) return 'unix'
  return formatEndpoint({ type: 'tcp', host: socket.remoteAddress, port: socket.remotePort ?? 0 })
}

/** The same for a socket and for the TLS socket made of it. Peers of unix sockets have no address: they share a key. */
function handshakeKey(socket: Socket): string {
  return `${socket.remoteAddress ?? ''}|${socket.remotePort ?? ''}`
}
