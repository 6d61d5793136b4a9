/** Carries requests to a `proto fcgi` server: headers become parameters (fcgi-params.ts), what the application writes a response (fcgi-transport.ts). */
import type { Socket } from 'node:net'
import { turnTime } from '../../base/clock.ts'
import { FcgiMux } from '../../fcgi/client/mux.ts'
import type { MuxOwner } from '../../fcgi/client/mux.ts'
import { FcgiError } from '../../fcgi/index.ts'
import { HeaderList } from '../../http1/index.ts'
import type { Liveness } from '../../http1/index.ts'
import { Deadline } from '../../base/deadline.ts'
import type { FcgiOptions } from './fcgi-options.ts'
import { paramsOf, takeExpect } from './fcgi-params.ts'
import { FcgiTransport } from './fcgi-transport.ts'
import { idleTimeout } from './idle-pool.ts'
import type {
  OwnConnections,
  ServerConnection,
  ServerEvents,
  ServerRequest,
  ServerTransport,
} from './server-transport.ts'
import type { Server } from './server.ts'
import type { Waiting, Worker } from './worker-shortage.ts'

/**
 * A connection to a `proto fcgi` server. Of one that does not multiplex, which are nearly all, this is the life:
 *
 *   idle ──begin──▶ busy ──END_REQUEST──▶ idle      when the application keeps it
 *                     └─────────────────▶ closed    else, and when the request was given up
 *
 * With `option mpxs-conns` a busy one takes further requests as long as it has `room`.
 */
export class FcgiServer implements ServerConnection, MuxOwner, Worker {
  /** Applications close when they like; HAProxy takes all for `safe` (`fcgi_detach`, src/mux_fcgi.c). */
  readonly safe = true
  seat = -1
  // Of the shortage of workers.
  previous: Worker | undefined
  next: Worker | undefined
  idle = false
  waiting: Waiting | undefined
  requests = 0
  /** Looking at the socket tells nothing of what an application will do. */
  readonly restedAt = 0
  readonly recalls = false
  /** What is held is copied by its transport. */
  readonly lends = true
  readonly #server: Server
  readonly #socket: Socket
  readonly #mux: FcgiMux
  readonly #idle = new Deadline(() => this.destroy())
  /** Requests that wait for all that was read to be told. */
  readonly #behind: FcgiTransport[] = []
  /** Of the last request. */
  #own: OwnConnections | undefined

  constructor(socket: Socket, server: Server, options: FcgiOptions) {
    this.#server = server
    this.#socket = socket
    this.#mux = new FcgiMux(socket, `${server.backend.model.name}/${server.name}`, options, this)
  }

  get room(): number {
    return this.#mux.room
  }

  get answered(): boolean {
    return this.#mux.answered
  }

  /** See {@link FcgiMux.liveness}. */
  get liveness(): Liveness {
    return this.#mux.liveness
  }

  begin({ head, stream, own }: ServerRequest, events: ServerEvents): ServerTransport | undefined {
    const { fcgi: plan } = this.#server.backend
    this.#idle.disarm()
    this.#own = own
    this.requests++
    if (this.requests === 1) this.#server.workers.begun(this)
    else this.#server.workers.left(this)
    const expects = takeExpect(head)
    try {
      // A backend without `use-fcgi-app` is refused when it is loaded.
      if (plan === undefined) throw new FcgiError('ERR_FCGI_ABORTED', 'the backend has no application')
      const params = paramsOf(stream, head, plan)
      if (expects) events.onServerInformational({ ...continueHead, headers: new HeaderList() })
      const kept = this.requests > 1
      return new FcgiTransport(
        events,
        { server: this.#server, mux: this.#mux, socket: this.#socket, kept, behind: this.#behind },
        plan,
        head,
        params,
      )
    } catch (error) {
      if (!(error instanceof FcgiError)) throw error
      const { logger } = this.#server.context.settings
      logger.debug({ err: error, target: head.target }, 'a request cannot be sent to an application')
      this.#settle()
      events.onServerFailed('refused', error)
      return undefined
    }
  }

  destroy(): void {
    this.#forget()
    // The end of a request that is answered may never come.
    this.#mux.setIdle(true)
    this.#mux.close()
  }

  // From the connection.

  released(): void {
    this.#settle()
  }

  read(): void {
    while (this.#behind.length > 0) this.#behind.shift()?.onRead()
  }

  closed(mux: FcgiMux): void {
    this.#forget()
    // As PHP did before version 5.3.
    const { fcgi } = this.#server
    if (mux.refusedValues && fcgi !== undefined) this.#server.fcgi = { ...fcgi, getValues: false }
  }

  /** A request has ended, or was not begun. */
  #settle(): void {
    // What it can do may be told after the request that asked: it is kept already then.
    if (this.#mux.room === 0 || this.#idle.armed) return
    if (this.#mux.active > 0) this.#server.pool.share(this)
    else if (this.#server.workers.rested(this) && this.#server.keep(this, this.#own))
      this.#idle.arm(idleTimeout, turnTime())
    else this.destroy()
  }

  #forget(): void {
    this.#idle.stop()
    this.#server.workers.closed(this)
    this.#server.pool.drop(this)
    this.#own?.drop(this.#server, this)
  }
}

const continueHead = {
  minor: 1,
  status: 100,
  reason: 'Continue',
  framing: 0,
  connection: 0,
  upgrade: undefined,
} as const
