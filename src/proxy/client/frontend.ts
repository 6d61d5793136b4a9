/** A frontend at run time: it listens, accepts, and gives each connection a session. */
import { existsSync, lstatSync, unlinkSync, chmodSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo, Server as NetServer, Socket } from 'node:net'
import type { Bind } from '../../config/index.ts'
import { formatEndpoint } from '../../endpoint.ts'
import type { Endpoint } from '../../endpoint.ts'
import { errorMessage } from '../../errors.ts'
import type { SampleNamed } from '../../sample/stream.ts'
import type { Backend } from '../server/backend.ts'
import { socketOptions } from '../server/connector.ts'
import { ProxyError } from '../errors.ts'
import { Flow } from '../stream/flow.ts'
import type { Step } from '../stream/flow.ts'
import { HttpConnection } from './http1-client.ts'
import type { ProxyPlan } from '../plan/plan.ts'
import { RulesStep } from '../stream/rules-step.ts'
import type { ProxyRuntime } from '../runtime.ts'
import { Session } from './session.ts'
import { SessionStream } from '../stream/session-stream.ts'
import { afterResponseSteps, frontendSteps } from '../stream/steps.ts'
import type { ProxyStream } from '../stream/stream.ts'
import { TcpStream } from '../stream/tcp-stream.ts'
import type { SpoeFilter } from '../filters/spoe/filter.ts'

/** What holds a client's socket: an HTTP connection, or a TCP stream. */
export interface ClientSide {
  /** Closes what has nothing to do. */
  closeIfIdle(): void
  destroy(): void
}

/** Connections beyond `maxconn` that are held; more are refused, as a full queue of the kernel would. */
const mostWaiting = 1024

/** See the head of this file. */
export class Frontend implements SampleNamed {
  readonly proxy: ProxyRuntime
  readonly plan: ProxyPlan
  readonly name: string
  readonly id: number
  readonly filters: readonly SpoeFilter[]
  readonly steps: readonly Step[]
  readonly afterResponseSteps: readonly Step[]
  /** Log lines so far: `%lc`. */
  logged = 0
  /** Connections that were accepted, in all. */
  total = 0

  readonly #connectionRules: RulesStep | undefined
  readonly #sessionRules: RulesStep | undefined
  readonly #listeners: NetServer[] = []
  readonly #clients = new Set<ClientSide>()
  /** Accepted beyond `maxconn`: they wait, unread, until another one has gone. */
  readonly #waiting: Socket[] = []
  readonly #endpoints: Endpoint[] = []

  constructor(plan: ProxyPlan, proxy: ProxyRuntime) {
    this.plan = plan
    this.proxy = proxy
    this.name = plan.model.name
    this.id = plan.id
    this.filters = proxy.filtersOf(plan)
    this.steps = frontendSteps(this)
    this.afterResponseSteps = afterResponseSteps(this, undefined)
    const { connection, session } = plan.rules
    this.#connectionRules = connection.length === 0 ? undefined : new RulesStep(connection, undefined)
    this.#sessionRules = session.length === 0 ? undefined : new RulesStep(session, undefined)
  }

  /** Client connections now. */
  get connections(): number {
    return this.#clients.size
  }

  /** Where it listens: ports that the kernel chose are filled in. */
  get addresses(): readonly Endpoint[] {
    return this.#endpoints
  }

  /**
   * Binds every address.
   * @throws ProxyError `ERR_PROXY_LISTEN` naming the line and the address.
   */
  async listen(): Promise<void> {
    for (const bind of this.plan.model.binds) {
      for (const endpoint of bind.endpoints) await this.#listen(bind, endpoint)
    }
  }

  async #listen(bind: Bind, endpoint: Endpoint): Promise<void> {
    const server = createServer(socketOptions, (socket) => this.#onSocket(socket))
    this.#listeners.push(server)
    try {
      if (endpoint.type === 'unix') removeStaleSocket(endpoint.path)
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen({ ...listenOptions(endpoint), backlog: bind.backlog ?? 1024 }, resolve)
      })
      if (endpoint.type === 'unix' && bind.mode !== undefined) chmodSync(endpoint.path, bind.mode)
    } catch (error) {
      const { file, line } = bind.place
      const why = `${file}:${line}: bind ${formatEndpoint(endpoint)}: ${errorMessage(error)}`
      throw new ProxyError('ERR_PROXY_LISTEN', why, { cause: error })
    }
    server.on('error', (error) => {
      this.proxy.settings.logger.warn({ err: error, frontend: this.name }, 'a listener failed to accept')
    })
    this.#endpoints.push(boundEndpoint(endpoint, server.address()))
  }

  #onSocket(socket: Socket): void {
    const { maxconn } = this.plan.model
    const frontendFull = maxconn !== undefined && maxconn > 0 && this.connections >= maxconn
    if (!frontendFull && !this.proxy.full) return this.#accept(socket)
    socket.on('error', () => {})
    if (this.#waiting.length >= mostWaiting) return void socket.destroy()
    socket.pause()
    socket.once('close', () => {
      const at = this.#waiting.indexOf(socket)
      if (at >= 0) this.#waiting.splice(at, 1)
    })
    this.#waiting.push(socket)
    this.proxy.frontendWaits(this)
  }

  /** Accepts whoever waits for room. */
  acceptWaiting(): void {
    while (this.#waiting.length > 0 && !this.proxy.full) {
      const { maxconn } = this.plan.model
      if (maxconn !== undefined && maxconn > 0 && this.connections >= maxconn) return
      const socket = this.#waiting.shift()
      if (socket === undefined) return
      socket.removeAllListeners()
      this.#accept(socket)
      socket.resume()
    }
  }

  #accept(socket: Socket): void {
    this.total++
    if (socket.destroyed) return
    const session = new Session(this, socket)
    if (this.#connectionRules !== undefined || this.#sessionRules !== undefined) {
      const stream = new SessionStream(session)
      if (this.#refuses(stream, this.#connectionRules) || this.#refuses(stream, this.#sessionRules)) {
        socket.on('error', () => {})
        // As HAProxy does: no FIN, so that the client does not wait.
        if (socket.remotePort === undefined) socket.destroy()
        else socket.resetAndDestroy()
        session.end()
        return
      }
    }
    const client = this.plan.model.mode === 'http' ? new HttpConnection(session) : new TcpStream(session)
    this.#clients.add(client)
    this.proxy.connections++
    if (client instanceof TcpStream) client.start()
  }

  #refuses(stream: SessionStream, rules: RulesStep | undefined): boolean {
    stream.position = 0
    return rules !== undefined && rules.run(stream) === Flow.Over
  }

  /** A connection has gone. */
  closed(session: Session, client: ClientSide): void {
    session.end()
    if (!this.#clients.delete(client)) return
    this.proxy.connections--
    if (this.#waiting.length > 0) this.acceptWaiting()
    this.proxy.clientGone()
  }

  /** Where a stream goes (`use_backend`, `default_backend`); a `listen` is its own backend. */
  chooseBackend(stream: ProxyStream): Backend | undefined {
    const { plan, proxy } = this
    for (const { condition, backend } of plan.switches) {
      if (condition !== undefined && !condition(stream)) continue
      if (typeof backend !== 'function') return proxy.backendOf(backend)
      // A computed name that is no backend's leads to the default one.
      const named = proxy.backendNamed(backend(stream))
      if (named !== undefined) return named
      break
    }
    const target = plan.defaultBackend ?? (plan.model.kind === 'listen' ? plan : undefined)
    return target === undefined ? undefined : proxy.backendOf(target)
  }

  logStream(stream: ProxyStream): void {
    this.proxy.log.stream(this.plan, stream)
    this.logged++
  }

  /** No connection is accepted any more. */
  stopListening(): void {
    for (const server of this.#listeners) if (server.listening) server.close()
    for (const socket of this.#waiting) socket.destroy()
    this.#waiting.length = 0
    for (const client of this.#clients) client.closeIfIdle()
  }

  destroy(): void {
    this.stopListening()
    for (const client of this.#clients) client.destroy()
  }
}

function listenOptions(endpoint: Endpoint): { host?: string; port?: number; path?: string; fd?: number } {
  switch (endpoint.type) {
    case 'tcp':
      return { host: endpoint.host, port: endpoint.port }
    case 'unix':
      return { path: endpoint.path }
    case 'fd':
      return { fd: endpoint.fd }
  }
}

function boundEndpoint(endpoint: Endpoint, bound: AddressInfo | string | null): Endpoint {
  if (endpoint.type !== 'tcp' || bound === null || typeof bound === 'string') return endpoint
  return { type: 'tcp', host: bound.address, port: bound.port }
}

/** HAProxy takes the place of a socket file that is there; anything else of that name is left alone. */
function removeStaleSocket(path: string): void {
  if (!path.startsWith('\0') && existsSync(path) && lstatSync(path).isSocket()) unlinkSync(path)
}
