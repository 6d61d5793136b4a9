/** Where an agent listens, and who is let in: all its listeners, which the limit on connections closes and opens again. */
import type { Socket } from 'node:net'
import type { SecureContextOptions, TLSSocket, TlsOptions } from 'node:tls'
import { UsageError } from '../base/errors.ts'
import type { Resolved } from '../base/options.ts'
import { CidrMap } from '../net/cidr-map.ts'
import type { Endpoint } from '../net/endpoint.ts'
import type { LimitedLog } from './limited-log.ts'
import { formatPeer, Listener, type ListenerOptions } from './listener.ts'
import type { AgentMetrics } from './metrics.ts'
import type { ResolvedAgentOptions } from './options.ts'
import { replaceSecureContext } from './tls-options.ts'
import { describeTlsFailure } from './tls-trouble.ts'

/** Whose listeners they are. */
export interface ListenersHost {
  readonly options: ResolvedAgentOptions
  readonly metrics: AgentMetrics
  readonly log: LimitedLog
  /** How many connections there are, without those whose TLS handshake is under way. */
  connections(): number
  /** Somebody was let in. */
  onSocket(socket: Socket, peer: string): void
}

/** See the head of this file. */
export class Listeners {
  readonly #host: ListenersHost
  readonly #allowed: CidrMap<true> | undefined
  readonly #all: Listener[] = []
  #tls: TlsOptions | undefined
  #closed = false

  constructor(host: ListenersHost) {
    this.#host = host
    const { allowedPeers, tls } = host.options
    this.#tls = tls
    if (allowedPeers.length === 0) return
    this.#allowed = new CidrMap()
    for (const range of allowedPeers) this.#allowed.set(range, true)
  }

  /** Where they listen. */
  get addresses(): Endpoint[] {
    return this.#all.map((listener) => listener.address)
  }

  /** Whether connections are accepted anywhere. */
  get listening(): boolean {
    return this.#all.some((each) => each.listening)
  }

  /**
   * Listens there, too; resolves to the address.
   * @throws AgentError `ERR_AGENT_LISTEN`; UsageError `ERR_SLUICE_CLOSED` when they were closed meanwhile.
   */
  async open(endpoint: Endpoint, settings: Resolved<ListenerOptions>): Promise<Endpoint> {
    const { handshakeTimeout } = this.#host.options
    const listener = new Listener(
      endpoint,
      { ...settings, tls: this.#tls, handshakeTimeout },
      {
        onSocket: (socket) => this.#onSocket(socket),
        admit: (socket) => this.#admit(socket, listener),
        onAcceptError: (error) => this.#onAcceptError(error),
        onTlsError: (error, socket, peer) => this.#onTlsError(error, socket, peer),
      },
    )
    await listener.open()
    if (this.#isOver()) {
      await listener.close()
      throw new UsageError('ERR_SLUICE_CLOSED', 'close() while listen() was waiting')
    }
    this.#all.push(listener)
    return listener.address
  }

  /** A function, for the compiler does not see that the flag changes while something is awaited. */
  #isOver(): boolean {
    return this.#closed
  }

  #onSocket(socket: Socket): void {
    if (this.#closed) refuse(socket)
    else this.#host.onSocket(socket, formatPeer(socket))
  }

  /** Whether a socket that was just accepted may stay; TLS handshakes count as connections. */
  #admit(socket: Socket, listener: Listener): boolean {
    if (this.#closed || !this.#isAllowed(socket, listener)) {
      refuse(socket)
      return false
    }
    const { options, metrics, log } = this.#host
    const handshakes = this.#all.reduce((sum, each) => sum + each.handshakes, 0)
    if (this.#host.connections() + handshakes < options.maxConnections) return true
    metrics.connectionsRefused++
    log.log('warn', 'refused', { peer: formatPeer(socket) }, 'connection refused: too many')
    refuse(socket)
    return false
  }

  /** An address that is unknown, because the peer is gone already, is not allowed. */
  #isAllowed(socket: Socket, listener: Listener): boolean {
    if (this.#allowed === undefined || listener.isLocal) return true
    if (this.#allowed.has(socket.remoteAddress ?? '')) return true
    const { metrics, log } = this.#host
    const code = 'ERR_AGENT_PEER_REFUSED'
    metrics.connectionsRefused++
    metrics.countError(code)
    log.log('warn', code, { code, peer: formatPeer(socket) }, 'connection refused: not in allowedPeers')
    return false
  }

  /** Want of descriptors, mostly: connections wait in the kernel's queue meanwhile. */
  #onAcceptError(error: NodeJS.ErrnoException): void {
    const code = error.code ?? 'ERR_AGENT_LISTEN'
    this.#host.metrics.countError(code)
    this.#host.log.log('error', code, { code, err: error }, 'cannot accept connections')
  }

  #onTlsError(error: NodeJS.ErrnoException, socket: TLSSocket, peer: string): void {
    // An Error, say the types of Node.js; it is its code, or null.
    const verdict: unknown = socket.authorizationError
    const { code, message } = describeTlsFailure(error, typeof verdict === 'string' ? verdict : undefined)
    this.#host.metrics.countError(code)
    const fields = code === verdict ? { code, peer } : { code, peer, err: error }
    this.#host.log.log('warn', code, fields, message)
    // Node.js itself does not, when the handshake takes too long.
    refuse(socket)
  }

  /** @throws UsageError `ERR_SLUICE_OPTION` for what OpenSSL cannot use, an unknown name, or an agent without `tls`. */
  setSecureContext(options: SecureContextOptions): void {
    const tls = replaceSecureContext(this.#tls, options)
    this.#tls = tls
    for (const listener of this.#all) listener.replaceTls(tls)
  }

  /** There are as many connections as may be: see `maxConnections`. */
  pause(): void {
    const limit = this.#host.options.maxConnections
    this.#host.log.log('warn', 'maxConnections', { limit }, 'listeners closed: at the limit')
    for (const listener of this.#all) if (listener.reopens) void listener.close()
  }

  /** Opens what the limit has closed; called until it succeeds. */
  resume(): void {
    const { options, log } = this.#host
    // Some room first, or the listeners would open and close for every connection.
    if (this.#closed || this.#host.connections() > options.maxConnections * 0.9) return
    for (const listener of this.#all) {
      if (listener.listening || listener.opening) continue
      listener
        .open()
        .catch((error: unknown) => log.log('error', 'reopen', { err: error }, 'cannot listen again yet'))
    }
  }

  /** Accepts nobody any more; connections stay, handshakes may come to their end. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(this.#all.map((listener) => listener.close()))
  }

  /** Ends all TLS handshakes that are under way. */
  destroyHandshakes(): void {
    for (const listener of this.#all) listener.destroyHandshakes()
  }
}

function refuse(socket: Socket): void {
  socket.on('error', () => {})
  socket.destroy()
}
