/**
 * Gets a stream to a server: chooses one, waits in the queue, takes a connection that was kept or makes one, tries again
 * (`retries`, `option redispatch`). Streams of every kind have one.
 */
import type { Socket } from 'node:net'
import { dial } from '../../net/dial.ts'
import type { Dialling } from '../../net/dial.ts'
import type { Endpoint } from '../../net/endpoint.ts'
import { useOfKept } from '../../http1/index.ts'
import { onPolledSince } from '../../net/liveness.ts'
import type { Stream } from '../../sample/stream.ts'
import { createSocket } from '../wire/socket-options.ts'
import type { Backend } from './backend.ts'
import { createServerSocket, openConnection } from './open-connection.ts'
import type { Queued } from './queue.ts'
import type { OwnConnections, ServerConnection } from './server-transport.ts'
import type { Server } from './server.ts'

/** Why no server can be had. */
export type Unavailable = 'no-server' | 'queue-timeout' | 'connect-error' | 'connect-timeout'

/** What is told of the way to a server. */
export interface ConnectRecord {
  retries: number
  redispatched: boolean
  queued(before: number): void
  queueLeft(): void
  assigned(): void
  connected(kept: boolean): void
}

/** What the connector needs of any stream. */
interface Client extends Stream {
  server: Server | undefined
  readonly record: ConnectRecord
  /** Nothing more will come. */
  onUnavailable(why: Unavailable): void
}

/** A stream that wants bytes carried. */
export interface SocketClient extends Client {
  onConnected(socket: Socket): void
}

/** A stream that wants a request carried: any connection will do that may take one. */
export interface ConnectorClient extends Client {
  readonly ownConnections: OwnConnections
  /** Whether its request may be sent twice, so that it can be repeated when a kept connection turns out to be dead. */
  readonly repeatable: boolean
  /** Whether all of it is kept until it has left: see `recalls` of {@link ServerConnection}. */
  readonly recallable: boolean
  onConnection(connection: ServerConnection): void
}

/** A server that refused is left alone for this long before it is asked again, in milliseconds. */
const turnAround = 1000

/**
 *   choosing ──none has room──▶ queued ──turn──▶ connecting ──▶ done
 *       └──────server──────────────────────────▶    │  ▲
 *                                     failed: waits ▼  │ again, or chooses again
 */
export class Connector implements Queued {
  previous: Queued | undefined
  next: Queued | undefined
  readonly #client: SocketClient | ConnectorClient
  readonly #backend: Backend
  #server: Server | undefined
  #dialling: Dialling | undefined
  /** A kept connection, until it is known to be alive. */
  #kept: ServerConnection | undefined
  #timer: NodeJS.Timeout | undefined
  #queued = false
  #over = false

  constructor(client: SocketClient | ConnectorClient, backend: Backend) {
    this.#client = client
    this.#backend = backend
  }

  get stream(): Stream {
    return this.#client
  }

  start(): void {
    this.#assign(undefined)
  }

  /** A connection that was kept has died: another one, to the same server, that nobody has used. */
  startFresh(): void {
    const server = this.#server
    if (server === undefined) return this.#assign(undefined)
    this.#open(server)
  }

  /** The stream wants nothing more of it: its place is given back, and nobody is told of that yet. */
  release(): void {
    this.#over = true
    if (this.#queued) this.#client.record.queueLeft()
    this.#stopWaiting()
    this.#dialling?.cancel()
    this.#dialling = undefined
    this.#kept?.destroy()
    this.#kept = undefined
    const server = this.#server
    this.#server = undefined
    if (server !== undefined) server.served--
  }

  /** Behind `release`, when the stream has ended: whoever gets its place begins on this stack. */
  passOn(): void {
    this.#backend.serveQueue()
  }

  /** From the queue. */
  serve(server: Server): void {
    this.#queued = false
    this.#stopWaiting()
    this.#take(server)
  }

  #assign(avoid: Server | undefined): void {
    const server = this.#backend.choose(this.#client, avoid)
    if (server !== undefined) {
      if (avoid !== undefined && server !== avoid) this.#client.record.redispatched = true
      this.#take(server)
    } else if (this.#backend.usableServers === 0) this.#fail('no-server')
    else this.#wait()
  }

  #wait(): void {
    const { queue: timeout } = this.#backend.plan.timeouts
    this.#queued = true
    this.#client.record.queued(this.#backend.queue.enter(this))
    if (timeout !== undefined) {
      this.#timer = setTimeout(() => {
        this.#stopWaiting()
        this.#client.record.queueLeft()
        this.#fail('queue-timeout')
      }, timeout)
    }
  }

  #stopWaiting(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#queued) this.#backend.queue.leave(this)
    this.#queued = false
  }

  #take(server: Server): void {
    const client = this.#client
    this.#server = server
    server.served++
    server.total++
    client.server = server
    client.record.assigned()
    if (!('onConnection' in client)) return this.#open(server)
    const kept = this.#keptConnection(client, server)
    if (kept === undefined) return this.#open(server)
    const use = useOfKept(client.repeatable || (kept.recalls && client.recallable), kept.liveness)
    if (use === 'use') this.#use(client, kept)
    else if (use === 'wait') this.#listen(client, server, kept)
    else this.#replace(server, kept)
  }

  /** The worker that an application has for the one that is kept may be what the new one needs. */
  #replace(server: Server, kept: ServerConnection): void {
    kept.destroy()
    this.#open(server)
  }

  #use(client: ConnectorClient, kept: ServerConnection): void {
    client.record.connected(true)
    client.onConnection(kept)
  }

  /**
   * The answer that came before has just been read: what may stand behind it is an end, and a request that cannot be
   * repeated would be lost.
   */
  #listen(client: ConnectorClient, server: Server, kept: ServerConnection): void {
    this.#kept = kept
    onPolledSince(kept.restedAt, () => {
      if (this.#kept !== kept) return
      this.#kept = undefined
      if (kept.room > 0) this.#use(client, kept)
      else this.#open(server)
    })
  }

  #keptConnection(client: ConnectorClient, server: Server): ServerConnection | undefined {
    if (server.backend.model.httpReuse === 'never') return client.ownConnections.take(server)
    return server.pool.take(client.firstRequest)
  }

  /** Chooses anew, before others do: whoever waits for the place that it leaves begins on this stack. */
  #chooseAgain(): void {
    const server = this.#server
    this.#server = undefined
    if (server !== undefined) server.served--
    this.#assign(server)
    this.#backend.serveQueue()
  }

  #open(server: Server): void {
    const client = this.#client
    const { address } = server.plan.model
    if (address.type === 'inproc') {
      // An agent has no streams. Backends that are named are known not to have one; this one's name was made up by a rule.
      this.#timer = setTimeout(() => this.#fail('connect-error'), 0)
      return
    }
    this.#dialling =
      'onConnection' in client
        ? this.#dial(
            { server, address },
            () => createServerSocket(server),
            (socket) => client.onConnection(openConnection(server, socket)),
          )
        : this.#dial({ server, address }, createSocket, (socket) => client.onConnected(socket))
  }

  #dial<Made extends Socket>(
    { server, address }: { readonly server: Server; readonly address: Endpoint },
    create: () => Made,
    handOut: (socket: Made) => void,
  ): Dialling {
    const { connect: timeout } = this.#backend.plan.timeouts
    return dial(
      address,
      { create, timeout },
      {
        onConnected: (socket) => {
          this.#dialling = undefined
          this.#client.record.connected(false)
          handOut(socket)
        },
        onFailed: (why, error) => {
          server.tellUnreachable(error)
          this.#onFailure(why === 'timeout' ? 'connect-timeout' : 'connect-error')
        },
      },
    )
  }

  /**
   * What a server made of the request does not count: it is asked again at once, or another one with `option redispatch`, as when
   * it refuses a connection. After a `refusal` to serve any other may, and it itself after a pause when it is overloaded.
   */
  retry(refusal?: 'overloaded' | 'declined'): void {
    const elsewhere = refusal === undefined ? this.#mayRedispatch() : this.#backend.usableServers > 1
    this.#retry(refusal === 'overloaded' ? this.#turnAround : 0, elsewhere)
  }

  #onFailure(why: 'connect-error' | 'connect-timeout'): void {
    this.#dialling = undefined
    if (!this.mayRetry || !this.#backend.plan.model.retryOn.has('conn-failure')) return this.#fail(why)
    // A timeout has waited long enough already.
    this.#retry(why === 'connect-timeout' ? 0 : this.#turnAround, this.#mayRedispatch())
  }

  /** Whether `retries` allows one more attempt. */
  get mayRetry(): boolean {
    return this.#client.record.retries < this.#backend.plan.model.retries
  }

  get #turnAround(): number {
    return Math.min(turnAround, this.#backend.plan.timeouts.connect ?? turnAround)
  }

  /** Another server at once, or the same one after `delay` milliseconds. */
  #retry(delay: number, elsewhere: boolean): void {
    this.#client.record.retries++
    const server = this.#server
    if (server === undefined || !server.usable || elsewhere) return this.#chooseAgain()
    this.#timer = setTimeout(() => this.#again(server), delay)
  }

  #again(server: Server): void {
    this.#timer = undefined
    if (this.#over) return
    if (!server.usable) return this.#chooseAgain()
    const { record } = this.#client
    // With the option HAProxy chooses again for the last try, be it the same one.
    if (this.#backend.plan.model.options.redispatch && !this.mayRetry) record.assigned()
    this.#open(server)
  }

  /**
   * HAProxy asks another one at once where two or more are active, whatever interval the option has; a single one, and
   * without the option every one, is asked again after a pause (`back_handle_st_cer`).
   */
  #mayRedispatch(): boolean {
    return this.#backend.plan.model.options.redispatch && this.#backend.activeServers > 1
  }

  #fail(why: Unavailable): void {
    this.release()
    this.#client.onUnavailable(why)
    this.passOn()
  }
}
