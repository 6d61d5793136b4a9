/** A frontend at run time: it listens, accepts, and gives each connection a session. */
import type { Socket } from 'node:net'
import { Roster } from '../../base/roster.ts'
import type { Endpoint } from '../../net/endpoint.ts'
import type { ProxyContext } from '../context.ts'
import { Flow } from '../plan/flow.ts'
import type { ProxyPlan } from '../plan/plan.ts'
import { RulesStep } from '../stream/rules-step.ts'
import type { Router } from '../stream/router.ts'
import { Session } from '../stream/session.ts'
import { SessionStream } from '../stream/session-stream.ts'
import type { ClientHost, ClientSide } from './client-side.ts'
import { Http1Client } from './http1-client.ts'
import { Listeners } from './listeners.ts'
import { TcpClient } from './tcp-client.ts'
import { WaitingRoom } from './waiting-room.ts'

/** What frontends know of each other: the whole process has a limit, too. */
export interface FrontendHost {
  /** Whether `global maxconn` is reached. */
  readonly full: boolean
  /** A connection waits here because the process is full. */
  frontendWaits(frontend: Frontend): void
  clientGone(): void
}

/** Owns its listeners and the set of its clients; the way of their streams is the {@link Router}'s. */
export class Frontend implements ClientHost {
  readonly plan: ProxyPlan
  readonly router: Router
  readonly name: string
  /** Connections that were accepted, in all. */
  total = 0

  readonly #context: ProxyContext
  readonly #host: FrontendHost
  readonly #listeners: Listeners
  readonly #clients = new Roster<ClientSide>()
  /** Those whose end is all that is waited for. */
  readonly #leaving = new Roster<ClientSide>()
  readonly #waiting = new WaitingRoom()
  readonly #connectionRules: RulesStep | undefined
  readonly #sessionRules: RulesStep | undefined

  constructor(router: Router, context: ProxyContext, host: FrontendHost) {
    this.plan = router.plan
    this.router = router
    this.name = router.name
    this.#context = context
    this.#host = host
    this.#listeners = new Listeners(this.plan, context, (socket) => this.#onSocket(socket))
    const { connection, session } = this.plan.rules
    this.#connectionRules = connection.length === 0 ? undefined : new RulesStep(connection, undefined)
    this.#sessionRules = session.length === 0 ? undefined : new RulesStep(session, undefined)
  }

  /** Client connections now. */
  get connections(): number {
    return this.#clients.size
  }

  /** Where it listens: ports that the kernel chose are filled in. */
  get addresses(): readonly Endpoint[] {
    return this.#listeners.endpoints
  }

  /**
   * Binds every address. Unix sockets are found by their names behind {@link Frontend.publish}.
   * @throws ProxyError `ERR_PROXY_LISTEN` naming the line and the address.
   */
  listen(): Promise<void> {
    return this.#listeners.listen()
  }

  /** Unix sockets take the place of a predecessor's: all addresses are bound, so nothing is in the way any more. */
  publish(): void {
    this.#listeners.publish()
  }

  get #full(): boolean {
    const { maxconn } = this.plan.model
    return maxconn !== undefined && maxconn > 0 && this.connections >= maxconn
  }

  #onSocket(socket: Socket): void {
    if (!this.waits && !this.#full && !this.#host.full) return this.#accept(socket)
    this.#waiting.enter(socket)
    this.#host.frontendWaits(this)
    // Nobody passes those who came before.
    this.acceptWaiting()
  }

  /** Whether clients wait for room. */
  get waits(): boolean {
    return this.#waiting.size > 0
  }

  /** Accepts whoever waits for room. */
  acceptWaiting(): void {
    while (!this.#host.full && !this.#full) {
      const socket = this.#waiting.next()
      if (socket === undefined) return
      this.#accept(socket)
      socket.resume()
    }
  }

  #accept(socket: Socket): void {
    this.total++
    if (socket.destroyed) return
    const session = new Session(
      this.#listeners.sourceOf(socket),
      this.#listeners.destinationOf(socket),
      this.#context.variables,
    )
    if (this.#refuses(session)) {
      socket.on('error', () => {})
      // As HAProxy does: no FIN, so that the client does not wait.
      if (socket.remotePort === undefined) socket.destroy()
      else socket.resetAndDestroy()
      session.end()
      return
    }
    const Client = this.plan.model.mode === 'http' ? Http1Client : TcpClient
    const client = new Client(this.#context, session, this.router, socket, this)
    this.#clients.add(client)
    this.router.connections++
    this.#context.connections++
    client.start()
  }

  /** `tcp-request connection`, then `tcp-request session`. */
  #refuses(session: Session): boolean {
    if (this.#connectionRules === undefined && this.#sessionRules === undefined) return false
    const stream = new SessionStream(this.#context, session, this.router)
    return [this.#connectionRules, this.#sessionRules].some((rules) => {
      stream.position = 0
      return rules?.run(stream) === Flow.Over
    })
  }

  clientLeaving(client: ClientSide): void {
    if (!this.#clients.has(client)) return
    this.clientGone(client)
    this.#leaving.add(client)
  }

  clientGone(client: ClientSide): void {
    this.#leaving.delete(client)
    if (!this.#clients.delete(client)) return
    client.session.end()
    this.router.connections--
    this.#context.connections--
    this.#host.clientGone()
  }

  /** No connection is accepted any more, and those that wait for a request are closed. */
  stopListening(): void {
    this.#listeners.close()
    this.#waiting.clear()
    for (const client of this.#clients) client.closeIfIdle()
  }

  destroy(): void {
    this.stopListening()
    for (const client of [...this.#clients, ...this.#leaving]) client.destroy()
  }
}
