/**
 * A client's HTTP/1.1 connection: reads requests one after the other (pipelined ones wait in the socket), makes a stream
 * of each, writes what the stream answers, and watches the client's timeouts.
 */
import type { Socket } from 'node:net'
import { turnDate, turnTime } from '../../base/clock.ts'
import type { Flushable } from '../../base/turn.ts'
import { createChunkReader } from '../../net/chunk-reader.ts'
import { waitingBytes } from '../../net/quick-write.ts'
import { parseRequestHead } from '../../http1/index.ts'
import type { Lent } from '../../base/lent.ts'
import type { Framing, HeaderList, Http1Error, ResponseHead } from '../../http1/index.ts'
import type { ProxyContext } from '../context.ts'
import type { Cause } from '../plan/rule.ts'
import type { Backend } from '../server/backend.ts'
import { BadRequest } from '../stream/bad-request.ts'
import type { ClientTransport } from '../stream/client-transport.ts'
import { HttpStream } from '../stream/http-stream.ts'
import { beginAt } from '../stream/record.ts'
import type { Beginning } from '../stream/record.ts'
import type { Router } from '../stream/router.ts'
import type { Session } from '../stream/session.ts'
import type { TcpStream } from '../stream/tcp-stream.ts'
import { cleanConnection } from '../wire/hop-by-hop.ts'
import { MessageReader } from '../wire/message-reader.ts'
import type { ReaderSink } from '../wire/message-reader.ts'
import { lacksWebsocketKey } from '../wire/upgrade.ts'
import type { ClientHost, ClientSide } from './client-side.ts'
import { Http1Waiting } from './http1-waiting.ts'
import type { WaitingOwner } from './http1-waiting.ts'
import { Http1Writer } from './http1-writer.ts'

/** Methods whose body has no meaning, and that HTTP/1.0 gives none. */
const bodilessMethods = new Set(['GET', 'HEAD', 'DELETE'])

const client = Symbol('client')

/** Listeners are the same for all sockets, which know their client: five closures for each would be a tenth of its memory. */
interface ClientSocket extends Socket {
  [client]: Http1Client
}

const readClient = createChunkReader(function (this: ClientSocket, chunk) {
  this[client].onData(chunk)
})

function whenEnd(this: ClientSocket): void {
  this[client].onEnd()
}

function whenDrain(this: ClientSocket): void {
  this[client].onDrain()
}

function whenGone(this: ClientSocket): void {
  this[client].onGone()
}

/**
 * The transport of its streams, one at a time. What the deadline is about is in {@link Http1Waiting}, what was read and
 * waits in the reader, how answers are written in {@link Http1Writer}; here are the stream and how the connection ends.
 */
export class Http1Client implements ReaderSink, ClientTransport, ClientSide, WaitingOwner, Flushable {
  seat = -1
  readonly session: Session
  readonly #context: ProxyContext
  readonly #router: Router
  readonly #host: ClientHost
  readonly #socket: Socket
  readonly #reader: MessageReader
  /** From the head of a request until its answer has been written: who rests needs none. */
  #writer: Http1Writer | undefined
  readonly #waiting: Http1Waiting
  #stream: HttpStream | undefined
  #state: 'open' | 'ending' | 'closed' = 'open'
  /** When the request that is awaited could begin: the connection was accepted, or the one before had ended. */
  #accepted: number
  #acceptDate: number
  /** Of the request of which a byte has come, until its stream is made and behind it. */
  #beginning: Beginning | undefined
  /** The stream in TCP mode that the first request goes on with. */
  #before: { readonly backend: Backend; readonly stream: TcpStream } | undefined

  constructor(context: ProxyContext, session: Session, router: Router, socket: Socket, host: ClientHost) {
    this.#context = context
    this.session = session
    this.#router = router
    this.#socket = socket
    this.#host = host
    this.#accepted = session.accepted
    this.#acceptDate = session.acceptDate
    this.#reader = new MessageReader(socket, this, context.settings.maxHeadSize)
    this.#waiting = new Http1Waiting(router.plan.timeouts, context.deadlines, this)
    this.#reader.expectHead()
    ;(socket as ClientSocket)[client] = this
    readClient(socket as ClientSocket)
    socket.on('end', whenEnd)
    socket.on('drain', whenDrain)
    socket.on('error', whenGone)
    socket.on('close', whenGone)
  }

  start(): void {
    this.#waiting.forRequest()
  }

  /** A connection that began in TCP mode: its first request is among `bytes`, and goes where the stream was to go. */
  takeOver(bytes: Buffer | undefined, backend: Backend, before: TcpStream): void {
    this.#before = { backend, stream: before }
    this.start()
    if (bytes !== undefined) this.onData(bytes)
    if (this.#socket.readableEnded) this.onEnd()
    else if (this.#state === 'open' && !this.#reader.held) this.#socket.resume()
  }

  /** Empty lines are no request that anybody waits for. */
  #busy(): boolean {
    return this.#stream !== undefined || this.#reader.midHeadLine
  }

  // The transport of a stream: its request.

  get ended(): boolean {
    return this.#reader.ended
  }

  get trailers(): HeaderList | undefined {
    return this.#reader.trailers
  }

  hold(): void {
    this.#reader.hold()
    this.#watch()
  }

  release(): void {
    this.#reader.release()
    this.#watch()
  }

  gather(limit: number | undefined): void {
    this.#waiting.forBody(limit)
    this.release()
  }

  drain(): boolean {
    return this.#reader.drain()
  }

  get left(): number {
    return this.#reader.left
  }

  // Its response.

  #writing(): Http1Writer {
    return (this.#writer ??= new Http1Writer(this.#context, this.#socket, () => this.#onBlocked()))
  }

  /** The end of a turn, behind what was written in it. */
  flush(): void {
    if (this.#stream !== undefined || this.#state !== 'open') return
    this.#writer?.outbox.flush()
    if (!this.#waiting.blocked) this.#writer = undefined
  }

  sendInformational(head: ResponseHead): void {
    this.#writing().informational(head)
  }

  sendHead(head: ResponseHead, framing: Framing, tunnel: boolean, mayKeep: boolean): void {
    this.#writing().head(head, framing, tunnel, mayKeep)
  }

  sendBody(pieces: readonly Lent[], done: boolean, trailers: HeaderList | undefined): boolean {
    return this.#writing().body(pieces, done, trailers)
  }

  openTunnel(timeout: number | undefined): void {
    this.#waiting.openTunnel(timeout)
    this.#reader.expectRaw()
    this.#watch()
  }

  sendRaw(chunk: Lent): boolean {
    this.#watch()
    return this.#writing().outbox.bytes(chunk)
  }

  endRaw(): void {
    this.#writer?.outbox.flush()
    this.#socket.end()
  }

  /** A client that does not read its answers gets no further ones. */
  #onBlocked(): void {
    this.#waiting.blocked = true
    if (this.#stream !== undefined) this.#watch()
    else if (this.#state === 'open' && !this.#reader.midHead) this.#holdBlocked()
  }

  #holdBlocked(): void {
    this.#reader.hold()
    this.#waiting.forClient()
  }

  // Its end.

  finish(): void {
    this.#stream = undefined
    // A body that was not read to its end would be the next request.
    const last = this.#reader.midBody || (this.#reader.ended && !this.#reader.pending)
    if (!this.#writing().keep || last || this.#context.closing) return this.#leave()
    this.#accepted = turnTime()
    this.#acceptDate = turnDate()
    this.#beginning = undefined
    this.#reader.expectHead()
    if (this.#waiting.blocked) return this.#holdBlocked()
    this.#context.turn.add(this)
    this.#waiting.forNextRequest()
    // The stream may have held back the rest of a body that nobody wants any more.
    this.#reader.release()
  }

  /**
   * As HAProxy does: a client that has said that it sends nothing more is not waited for, once the kernel has all of the answer.
   * With bytes of it unread the kernel would reset the connection, answer and all.
   */
  #leave(): void {
    if (this.#state !== 'open') return
    const writer = this.#writing()
    writer.outbox.flush()
    const saysMore = !writer.saidLast && !this.#reader.ended
    if (saysMore || this.#reader.pending || waitingBytes(this.#socket) > 0) return this.end()
    this.#socket.destroy()
    this.onGone()
  }

  end(): void {
    if (this.#state !== 'open') return
    this.#state = 'ending'
    this.#stream = undefined
    this.#writer?.outbox.flush()
    this.#socket.end(() => this.#host.clientLeaving(this))
    if (!this.#reader.ended) this.#reader.discard()
    this.#waiting.forLastBytes(this.#context.settings.lingerTimeout)
  }

  cut(): void {
    // The end of the connection would look like the end of the response.
    const looksWhole = this.#writer?.untilClose === true && this.#stream !== undefined
    this.#stream = undefined
    this.#writer?.outbox.flush()
    if (looksWhole && this.#socket.remotePort !== undefined) this.#socket.resetAndDestroy()
    else this.#socket.destroy()
    this.onGone()
  }

  refuse(status: number): void {
    this.#stream = undefined
    this.#sendRawPage(status, this.#newBadRequest())
  }

  // From the frontend.

  closeIfIdle(): void {
    if (!this.#busy() && this.#state === 'open') this.end()
  }

  destroy(): void {
    if (this.#stream === undefined) this.cut()
    else this.#stream.asking.onDestroy()
  }

  // Deadlines.

  /** While a stream is in progress, `timeout client` counts when it is the client's turn. */
  #watch(): void {
    if (this.#state !== 'open' || this.#stream === undefined) return
    this.#waiting.forStream(this.#reader.midBody && !this.#reader.held)
  }

  onDeadline(): void {
    const waited = this.#waiting.take()
    const stream = this.#stream
    if (waited === 'client' && stream !== undefined) return stream.asking.onClientTimeout()
    if (waited === 'request') return this.#refuse(408, 'c')
    // Nobody is told about idle connections: browsers keep them in store.
    if (waited === 'next-request') return this.end()
    this.#socket.destroy()
  }

  // From the socket.

  /** A fault of ours costs this connection, and nothing else. */
  onData(chunk: Lent): void {
    try {
      this.#reader.push(chunk)
    } catch (error) {
      this.#context.settings.logger.error({ err: error, frontend: this.#router.name }, 'a connection failed')
      this.#socket.destroy()
    }
  }

  onDrain(): void {
    this.#writer?.outbox.drained()
    this.#waiting.blocked = false
    if (this.#stream !== undefined) {
      this.#watch()
      this.#stream.asking.onClientDrain()
    } else if (this.#state === 'open') {
      this.#waiting.forNextRequest()
      this.#reader.release()
    }
  }

  onEnd(): void {
    const how = this.#reader.end()
    if (this.#state !== 'open') return
    const stream = this.#stream
    if (stream !== undefined) {
      if (how === 'cut' || this.#waiting.tunnel) stream.asking.onClientEnd()
      else stream.asking.onClientHalfClosed()
      return
    }
    if (how === 'later') return
    // A connection that never sent anything is answered, too; one that has been served is not.
    if (how === 'cut' || this.session.requests === 0) this.#refuse(400, 'C')
    else this.end()
  }

  onGone(): void {
    if (this.#state === 'closed') return
    const wasOpen = this.#state === 'open'
    this.#state = 'closed'
    this.#waiting.stop()
    const stream = this.#stream
    const midRequest = this.#reader.midHead || this.session.requests === 0
    this.#stream = undefined
    if (stream !== undefined) stream.asking.onClientGone()
    else if (midRequest && wasOpen) this.#badRequest('C', 400)
    this.#before?.stream.forget()
    this.#host.clientGone(this)
  }

  // Requests that could not be read.

  #badRequest(cause: Cause, status: number): BadRequest {
    this.session.requests++
    const stream = this.#newBadRequest()
    stream.fail(cause, status, this.#beginning !== undefined)
    return stream
  }

  #newBadRequest(): BadRequest {
    const beginning = this.#beginning ?? beginAt(this.#accepted, this.#acceptDate)
    return new BadRequest(this.#context, this.session, this.#router, beginning)
  }

  #refuse(status: number, cause: Cause): void {
    const stream = this.#badRequest(cause, status)
    this.#reader.expectNothing()
    this.#sendRawPage(status, stream)
  }

  /** What a page with a format shows of a request that could not be read is what there is of it: the connection. */
  #sendRawPage(status: number, stream: BadRequest): void {
    const page = this.#router.plan.errorReplies.get(status)
    this.#writing().page(status, page?.build?.(stream) ?? page)
    this.end()
  }

  // From the reader.

  onBegin(): void {
    this.#beginning = {
      accepted: this.#accepted,
      acceptDate: this.#acceptDate,
      begun: turnTime(),
      requestDate: turnDate(),
    }
  }

  onHead(bytes: Buffer, start: number, end: number): void {
    const head = parseRequestHead(bytes, start, end, this.#context.settings.maxHeaders)
    if (head.upgrade !== undefined && lacksWebsocketKey(head)) return this.#refuse(400, 'P')
    // As HAProxy does since 2.6.10: older readers take the body for the next request.
    if (head.minor === 0 && head.framing !== 0 && bodilessMethods.has(head.method))
      return this.#refuse(413, 'P')
    cleanConnection(head.headers, head.connection)
    this.session.requests++
    const before = this.#before
    const stream = new HttpStream(
      this.#context,
      this.session,
      this.#router,
      this,
      head,
      this.#beginning ?? beginAt(this.#accepted, this.#acceptDate),
      before?.stream.serial,
    )
    this.#stream = stream
    this.#writing().begin(head)
    if (this.#reader.expectBody(head.framing)) this.#reader.hold()
    this.#waiting.forNothing()
    this.#before = undefined
    if (before === undefined) stream.start()
    else stream.startBehind(before.backend, before.stream)
  }

  onBody(pieces: readonly Lent[], done: boolean): void {
    this.#stream?.asking.onClientBody(pieces, done)
    this.#watch()
  }

  onRaw(chunk: Lent): void {
    this.#watch()
    this.#stream?.asking.onClientRaw(chunk)
  }

  onUnexpected(): void {}

  onPause(): void {
    // Most heads come as a whole, and are not waited for.
    if (this.#reader.midHead && this.#beginning?.begun === turnTime()) this.#waiting.forRequest()
    // The end came while something was waiting here; now its turn has come.
    if (this.#reader.ended && this.#state === 'open') this.onEnd()
  }

  onInvalid(error: Http1Error): void {
    // HAProxy 2.6 answers 400 to what is too large, too.
    const status = error.status === 431 ? 400 : error.status
    this.#context.settings.logger.debug(
      { err: error, frontend: this.#router.name },
      'a client sent a request that is refused',
    )
    if (this.#stream === undefined) this.#refuse(status, 'P')
    // In the middle of a body: whatever the server may answer, it has not seen the whole request.
    else this.#stream.asking.onClientInvalid(status)
  }
}
