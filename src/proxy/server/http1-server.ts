/**
 * A connection to an HTTP/1.1 server: one request at a time, kept for the next one when the server allows it. It frames
 * bodies, watches `timeout server`, and tells the stream whose request it carries.
 */
import type { Lent } from '../../base/lent.ts'
import { turnTime } from '../../base/clock.ts'
import { LaneDeadline } from '../../base/lane-deadline.ts'
import type { DeadlineOwner } from '../../base/lane-deadline.ts'
import type { Flushable } from '../../base/turn.ts'
import { Framing, Http1Error, isPersistent, parseResponseHead, responseFraming } from '../../http1/index.ts'
import type { HeaderList, Liveness } from '../../http1/index.ts'
import { pollRound, wasPolledSince } from '../../net/liveness.ts'
import type { SampleEndpoint } from '../../sample/stream.ts'
import type { ChunkSocket } from '../../net/chunk-socket.ts'
import { localEndpoint, remoteEndpoint } from '../wire/addresses.ts'
import { cleanConnection } from '../wire/hop-by-hop.ts'
import { MessageReader } from '../wire/message-reader.ts'
import type { ReaderSink } from '../wire/message-reader.ts'
import { Outbox } from '../wire/outbox.ts'
import { idleTimeout } from './idle-pool.ts'
import { prepareServerRequest } from './request-head.ts'
import type {
  OwnConnections,
  ServerConnection,
  ServerEvents,
  ServerFailure,
  ServerRequest,
  ServerTransport,
} from './server-transport.ts'
import type { Server } from './server.ts'

/** Heads with a 1xx status before a response is taken for nonsense. */
const maxInformational = 64

const server = Symbol('server')

/** As those of clients: listeners are the same for all sockets, which know whose they are. */
interface ServerSocket extends ChunkSocket {
  [server]: Http1Server
}

function whenEnd(this: ServerSocket): void {
  this[server].onEnd()
}

function whenDrain(this: ServerSocket): void {
  this[server].onDrain()
}

function whenClosed(this: ServerSocket): void {
  this[server].onClosed()
}

const nothing = (): void => {}

/**
 *   idle ──begin──▶ busy ──finish──▶ idle      when the response was complete and the server keeps it
 *                     └──────────▶ closed      else, and when the server says anything while it is idle
 */
export class Http1Server implements ReaderSink, ServerConnection, ServerTransport, DeadlineOwner, Flushable {
  /** What has left may have been seen, whatever became of it. */
  unsent = false
  readonly recalls = true
  readonly mayRefuse = false
  readonly #socket: ChunkSocket
  readonly #server: Server
  readonly #reader: MessageReader
  readonly #outbox: Outbox
  readonly #deadline: LaneDeadline
  seat = -1
  requests = 0
  restedAt = 0
  /** The stream whose request it carries. */
  #events: ServerEvents | undefined
  #own: OwnConnections | undefined
  #method = ''
  #chunked = false
  #requestDone = false
  /** The head is all that was sent of the request. */
  #headOnly = false
  #informational = 0
  #answered = false
  #reusable = false
  /** Whether the request has said that there will be others. */
  #mayKeep = false
  #tunnel = false
  #closed = false

  constructor(socket: ChunkSocket, owner: Server) {
    this.#socket = socket
    this.#server = owner
    this.#reader = new MessageReader(socket, this, owner.context.settings.maxHeadSize)
    this.#outbox = new Outbox(socket, owner.context.turn, nothing)
    this.#deadline = new LaneDeadline(owner.context.deadlines, this)
    ;(socket as ServerSocket)[server] = this
    socket.onChunk = (chunk) => this.#onData(chunk)
    socket.on('end', whenEnd)
    socket.on('drain', whenDrain)
    socket.on('error', whenClosed)
    socket.on('close', whenClosed)
  }

  get peer(): SampleEndpoint | undefined {
    return this.#server.unix ?? remoteEndpoint(this.#socket)
  }

  get local(): SampleEndpoint | undefined {
    return this.#server.unix ?? localEndpoint(this.#socket)
  }

  get reused(): boolean {
    return this.requests > 1
  }

  get answered(): boolean {
    return this.#answered
  }

  get room(): number {
    return this.#events === undefined && !this.#closed ? 1 : 0
  }

  get safe(): boolean {
    return this.requests > 1
  }

  /** A server that keeps a connection says so with its answer; what it says of its end stands right behind that. */
  get liveness(): Liveness {
    return wasPolledSince(this.restedAt) ? 'open' : 'soon'
  }

  get left(): number {
    return this.#reader.left
  }

  // From the stream.

  begin(request: ServerRequest, events: ServerEvents): ServerTransport {
    const { head, mode, pretendKeepAlive, own, repeatable } = request
    const { method, framing } = head
    this.requests++
    this.#events = events
    this.#own = own
    this.#method = method
    if (!repeatable && this.reused) this.#outbox.holdSince(this.restedAt)
    this.#outbox.head(prepareServerRequest(head, pretendKeepAlive ? 'keep-alive' : mode), head.headers)
    this.#mayKeep = mode === 'keep-alive'
    this.#chunked = framing === Framing.Chunked
    this.#requestDone = this.#headOnly = framing === 0
    this.#informational = 0
    this.#answered = false
    this.#reader.expectHead()
    this.#watch()
    return this
  }

  sendBody(pieces: readonly Lent[], done: boolean, trailers: HeaderList | undefined): boolean {
    if (done) this.#requestDone = true
    if (pieces.length > 0 || done) this.#watch()
    return this.#outbox.body(pieces, this.#chunked, done, trailers)
  }

  sendRaw(chunk: Lent): boolean {
    this.#watch()
    return this.#outbox.bytes(chunk)
  }

  endRaw(): void {
    this.#outbox.flush()
    this.#socket.end()
  }

  hold(): void {
    this.#reader.hold()
    // It is not the server that we wait for now.
    this.#deadline.disarm()
  }

  release(): void {
    this.#arm()
    this.#reader.release()
  }

  drain(): void {
    this.#reader.drain()
  }

  completeHead(): void {}

  openTunnel(): void {
    this.#tunnel = true
    this.#reader.expectRaw()
    this.#watch()
  }

  finish(): void {
    this.#events = undefined
    const keep = this.#reusable && this.#requestDone && !this.#closed && !this.#reader.ended
    this.restedAt = pollRound()
    if (!keep || this.#reader.pending || !this.#server.keep(this, this.#own)) return this.#part()
    // A response without a body ends while its rules still hold it.
    this.#reader.rest()
    this.#deadline.arm(idleTimeout, turnTime())
  }

  /**
   * Nobody needs the connection, and all was said. As HAProxy does, it is reset: no port of ours is held for a minute (TIME_WAIT), and
   * neither side has more to do. Not behind a body: who has answered early may still read it, and a reset would take it away.
   * Nor, unlike HAProxy, when the server ends it itself: applications let go of a socket with their last answer, and a reset that nobody
   * listens for is an error that ends their process.
   * The reset comes at the end of the turn: its client is waiting for its answer, and a server that sleeps is woken for nothing else.
   */
  #part(): void {
    if (this.#closed) return
    const { type } = this.#server.plan.model.address
    const kept = this.#answered && this.#reusable && !this.#reader.ended
    const mayReset = this.#headOnly && kept && type === 'tcp'
    this.#forget()
    this.#outbox.flush()
    if (mayReset) this.#server.context.turn.add(this)
    else this.#socket.destroy()
  }

  /** The end of the turn in which it was parted from. */
  flush(): void {
    this.#socket.resetAndDestroy()
  }

  destroy(): void {
    if (this.#closed) return
    this.#forget()
    this.unsent = this.#outbox.unsent
    if (this.unsent) this.#outbox.drop()
    else this.#outbox.flush()
    this.#socket.destroy()
  }

  #forget(): void {
    this.#closed = true
    this.#events = undefined
    this.#deadline.stop()
    this.#server.pool.drop(this)
    this.#own?.drop(this.#server, this)
  }

  /** `timeout server` counts while the server has something to do, and not while it is held, whatever it says meanwhile. */
  #watch(): void {
    if (!this.#reader.held) this.#arm()
  }

  #arm(): void {
    const { server, tunnel } = this.#server.backend.timeouts
    // Of a tunnel the client's side watches both directions.
    if (this.#tunnel && tunnel !== undefined) this.#deadline.disarm()
    else this.#deadline.arm(server, turnTime())
  }

  // From the socket.

  #onData(chunk: Lent): void {
    if (this.#events === undefined) return this.destroy() // an idle server has nothing to say
    // Nor has one that has not been asked yet: it says farewell.
    if (this.#outbox.unsent) return this.#fail('closed')
    this.#watch()
    try {
      this.#reader.push(chunk)
    } catch (error) {
      // A fault of ours costs this stream, and nothing else.
      const { context, name } = this.#server
      context.settings.logger.error({ err: error, server: name }, 'a connection to a server failed')
      this.#fail('invalid')
    }
  }

  onDrain(): void {
    this.#outbox.drained()
    const events = this.#events
    if (events === undefined) return
    this.#watch()
    events.onServerDrain()
  }

  onEnd(): void {
    const events = this.#events
    if (events === undefined) return this.destroy()
    const how = this.#reader.end()
    if (how === 'later') return
    if (this.#tunnel) return events.onServerRawEnd()
    if (how !== 'done') return this.#fail('closed')
    this.#reusable = false
    this.#deadline.disarm()
    events.onServerBody([], true, undefined)
  }

  onClosed(): void {
    if (this.#closed) return
    this.#fail('closed')
  }

  onDeadline(): void {
    if (this.#events === undefined) return this.destroy()
    this.#fail('timeout')
  }

  #fail(why: ServerFailure, error?: Http1Error): void {
    const events = this.#events
    this.destroy()
    events?.onServerFailed(why, error)
  }

  // From the reader.

  onBegin(): void {
    this.#answered = true
  }

  onHead(bytes: Buffer, start: number, end: number): void {
    const head = parseResponseHead(bytes, start, end, this.#server.context.settings.maxHeaders)
    cleanConnection(head.headers, head.connection)
    if (head.status < 200 && head.status !== 101) {
      if (++this.#informational > maxInformational) {
        throw new Http1Error('ERR_HTTP1_STATUS_LINE', `more than ${maxInformational} informational responses`)
      }
      this.#reader.expectHead()
      this.#events?.onServerInformational(head)
      return
    }
    const framing = responseFraming(head, this.#method)
    const persistent = this.#mayKeep && isPersistent(head.minor, head.connection)
    this.#reusable = framing !== Framing.UntilClose && persistent
    if (!this.#reader.expectBody(framing)) this.#deadline.disarm()
    this.#events?.onServerHead(head, framing)
  }

  onBody(pieces: readonly Lent[], done: boolean): void {
    if (done) this.#deadline.disarm()
    this.#events?.onServerBody(pieces, done, this.#reader.trailers)
  }

  onRaw(chunk: Lent): void {
    this.#events?.onServerRaw(chunk)
  }

  /** More than the response: the connection cannot be used again, and what came is not passed on. */
  onUnexpected(): void {
    this.#reusable = false
    if (this.#events === undefined) this.destroy()
  }

  onPause(): void {
    // The end came while something was waiting; now its turn has come.
    if (this.#events !== undefined && this.#reader.ended) this.onEnd()
  }

  onInvalid(error: Http1Error): void {
    this.#fail('invalid', error)
  }
}
