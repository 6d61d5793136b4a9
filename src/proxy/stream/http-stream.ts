/**
 * One request and its response: through the phases of the request, to a server, through the phases of the response, to
 * the client. Bodies stream both ways; whoever cannot take more stops the other side.
 */
import type { Socket } from 'node:net'
import { monotonic } from '../../clock.ts'
import { formatResponseHead, Framing } from '../../http1/index.ts'
import type { HeaderList, RequestHead, ResponseHead } from '../../http1/index.ts'
import type { SampleEndpoint, SampleRequest, SampleResponse } from '../../sample/stream.ts'
import type { Route } from '../server/backend.ts'
import { Connector } from '../server/connector.ts'
import type { ConnectorClient, Unavailable } from '../server/connector.ts'
import { openFcgiTransport } from '../server/fcgi-server.ts'
import type { HttpHeads } from '../actions/heads.ts'
import { captureHeaders } from './captured.ts'
import { Flow } from './flow.ts'
import { BodyBuffer } from './body-buffer.ts'
import { cleanConnection, fixFraming } from './hop-by-hop.ts'
import { fieldsSize, requestSize, responseSize } from './htx-size.ts'
import type { HttpConnection } from '../client/http1-client.ts'
import { RequestView, ResponseView } from './message-view.ts'
import { HttpServerConnection } from '../server/http1-server.ts'
import { errorReply } from './reply.ts'
import type { StreamReply } from './reply.ts'
import { addForwardedFor, formatServerRequest, serverConnectionMode } from '../server/request-head.ts'
import type { Server } from '../server/server.ts'
import type { StreamTimes } from './times.ts'
import { ProxyStream } from './stream.ts'
import type { Cause } from './stream.ts'
import type { ServerFailure, ServerTransport, TransportClient } from '../server/server-transport.ts'

/** Methods whose request may be sent again when nobody knows whether it arrived (RFC 9110 section 9.2.2). */
const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE'])

const continueHead = 'HTTP/1.1 100 Continue\r\n\r\n'

/** See the head of this file. */
export class HttpStream extends ProxyStream implements TransportClient, ConnectorClient, HttpHeads {
  /** Undefined: there was no request that could be read. */
  readonly head: RequestHead | undefined
  responseHead: ResponseHead | undefined

  readonly #connection: HttpConnection
  /** As received: rules may change those of the head. */
  readonly #method: string
  readonly #target: string
  /** The head for the server, made when it is first sent. */
  #requestText: string | undefined
  #responseFraming: Framing = 0
  #route: Route | undefined
  #connector: Connector | undefined
  #transport: ServerTransport | undefined
  #requestDone: boolean
  /** The response head is on its way to the client: there is no second one. */
  #headSent = false
  #responseDone = false
  #clientChunked = false
  #keep = false
  /** What the client still sends of its request goes nowhere. */
  #discard = false
  #tunnel = false
  #serverEnded = false
  #clientEnded = false
  #silent = false
  #requestView: RequestView | undefined
  #responseView: ResponseView | undefined
  /** Pieces that rules wanted to see before the request is sent. */
  #buffered: BodyBuffer | undefined
  #onBuffered: (() => void) | undefined

  constructor(connection: HttpConnection, times: StreamTimes, head: RequestHead | undefined) {
    super(connection.session, times)
    this.#connection = connection
    this.head = head
    this.status = -1
    this.#requestDone = head === undefined || head.framing === 0
    this.#method = head?.method ?? ''
    this.#target = head?.target ?? ''
  }

  // What samples see.

  get request(): SampleRequest | undefined {
    if (this.head === undefined) return undefined
    return (this.#requestView ??= new RequestView(this.head, this))
  }

  get response(): SampleResponse | undefined {
    if (this.responseHead === undefined) return undefined
    return (this.#responseView ??= new ResponseView(this.responseHead, this.#responseFraming))
  }

  /** `GET /path HTTP/1.1` as received. */
  get requestLine(): string | undefined {
    const { head } = this
    return head === undefined ? undefined : `${this.#method} ${this.#target} HTTP/1.${head.minor}`
  }

  get bufferedBody(): Buffer | undefined {
    return this.#buffered?.bytes
  }

  get requestBuffer(): undefined {
    return undefined
  }

  get responseBuffer(): undefined {
    return undefined
  }

  get serverAddress(): SampleEndpoint | undefined {
    return this.#transport?.peer
  }

  get backendSource(): SampleEndpoint | undefined {
    return this.#transport?.local
  }

  // The request.

  start(): void {
    const { head, frontend } = this
    if (head === undefined) return
    this.times.requested = monotonic()
    this.bytesUploaded += requestSize(head.method, head.target, head.headers)
    const { monitorUri, captures } = frontend.plan.model
    if (captures.request.length > 0) this.capturedRequest = captureHeaders(captures.request, head.headers)
    if (monitorUri !== undefined && head.target === monitorUri) {
      this.#silent = true
      this.reply(errorReply(200, this), 'L')
    } else this.#withBody(frontend.plan.model.options.httpBufferRequest, this.#runFrontend)
  }

  readonly #runFrontend = (): void => {
    this.runSteps(this.frontend.steps, this.#chooseBackend)
  }

  readonly #chooseBackend = (): void => {
    const backend = this.frontend.chooseBackend(this)
    if (backend === undefined) return this.#unavailable('S')
    this.chosenBackend = backend
    backend.streams++
    backend.total++
    const route = backend.routeFrom(this.frontend)
    this.#route = route
    const buffer = backend.plan !== this.frontend.plan && backend.plan.model.options.httpBufferRequest
    this.#withBody(buffer, () => this.runSteps(route.request, this.#forward))
  }

  readonly #forward = (): void => {
    const { head, chosenBackend: backend } = this
    if (head === undefined || backend === undefined) return
    const { headers } = head
    const { uniqueIdHeader } = this.frontend.plan.model
    // Made while the request can be read, also when only the log shows it.
    const id = this.uniqueId
    if (id !== undefined && uniqueIdHeader !== undefined) headers.add(uniqueIdHeader, id)
    addForwardedFor(headers, this.source?.address, this.frontend.plan, backend.plan)
    if (this.frontend.steps.length > 0 || this.#route?.request.length !== 0) fixFraming(headers, head.framing)
    this.stage = 'C'
    this.#connector = new Connector(this, backend)
    this.#connector.start()
  }

  /** Waits for the body, or for as much of it as is kept, when rules want to see it. */
  #withBody(wanted: boolean, then: () => void): void {
    if (!wanted || this.#requestDone || this.#buffered !== undefined) return then()
    if (this.head?.expectsContinue === true) {
      this.#connection.sendHead(continueHead)
      this.#connection.flush()
      this.head.headers.delete('expect')
    }
    this.#buffered = new BodyBuffer()
    this.#onBuffered = then
    this.#connection.releaseBody()
  }

  #addBuffered(pieces: readonly Buffer[], done: boolean): void {
    const buffer = (this.#buffered ??= new BodyBuffer())
    buffer.add(pieces)
    if (!done && buffer.size < this.frontend.proxy.settings.maxBufferSize) return
    const then = this.#onBuffered
    this.#onBuffered = undefined
    if (!done) this.#connection.holdBody()
    then?.()
  }

  // The server.

  onServer(server: Server): boolean {
    if (server.plan.model.proto === 'fcgi') {
      this.times.connected = monotonic()
      const transport = openFcgiTransport(this, server)
      if (transport === undefined) return true
      this.#attach(transport)
      return true
    }
    const connection = server.takeIdle(this.firstRequest)
    if (connection === undefined) return false
    this.times.connected = this.times.assigned
    this.#attachHttp(connection)
    return true
  }

  onConnected(socket: Socket): void {
    const { server } = this
    if (server === undefined) return
    this.#attachHttp(new HttpServerConnection(socket, server))
  }

  onUnavailable(why: Unavailable): void {
    this.#connector = undefined
    this.#unavailable(why === 'queue-timeout' || why === 'connect-timeout' ? 's' : 'S')
  }

  #unavailable(cause: Cause): void {
    if (this.stage !== 'Q') this.stage = 'C'
    this.#replyError(503, cause)
  }

  #attachHttp(transport: HttpServerConnection): void {
    const { head } = this
    if (head === undefined) return
    const { plan } = transport.server.backend
    const mode = serverConnectionMode(this.frontend.plan, plan)
    const text = (this.#requestText ??= formatServerRequest(head, mode))
    transport.begin(this, head.method, text, head.framing)
    this.#attach(transport)
  }

  #attach(transport: ServerTransport): void {
    this.#transport = transport
    this.stage = 'H'
    let more = true
    if (this.#buffered !== undefined) {
      more = transport.sendBody(this.#buffered.pieces, this.#requestDone, this.#connection.trailers)
    }
    if (!this.#requestDone && more) this.#connection.releaseBody()
    // The body may have brought the stream to its end already.
    if (this.#transport === transport) transport.flush()
  }

  // From the client's connection.

  onClientBody(pieces: readonly Buffer[], done: boolean): void {
    if (done) this.#requestDone = true
    for (const piece of pieces) this.bytesUploaded += piece.length
    if (this.#onBuffered !== undefined) return this.#addBuffered(pieces, done)
    const transport = this.#transport
    if (transport === undefined || this.#discard) return
    if (!transport.sendBody(pieces, done, this.#connection.trailers)) this.#connection.holdBody()
    if (done && this.#responseDone) this.#end()
  }

  onClientRaw(chunk: Buffer): void {
    this.bytesUploaded += chunk.length
    if (this.#transport?.sendRaw(chunk) === false) this.#connection.holdBody()
  }

  onClientDrain(): void {
    if (!this.#responseDone) this.#transport?.release()
  }

  /** The client has ended its side: of a tunnel, or in the middle of its request. */
  onClientEnd(): void {
    if (this.over) return
    if (this.#tunnel) {
      this.#clientEnded = true
      this.#transport?.endRaw()
      if (this.#serverEnded) this.#end()
      return
    }
    this.stage = 'L'
    this.#abort('C', false)
  }

  /** The client has ended its side behind a whole request: it still gets its answer, unless `option abortonclose`. */
  onClientHalfClosed(): void {
    if (this.over || this.#headSent) return
    const front = this.frontend.plan.model.options.abortOnClose
    const back = this.chosenBackend?.plan.model.options.abortOnClose ?? false
    if (front || back) this.#abort('C', false)
  }

  onClientGone(): void {
    if (this.over) return
    this.#abort(this.#responseDone || this.#tunnel ? '-' : 'C', true)
  }

  onClientTimeout(): void {
    if (this.over) return
    this.stage = this.#headSent ? 'D' : this.stage
    if (this.#headSent || this.#tunnel) return this.#abort('c', true)
    this.#replyError(408, 'c')
  }

  /** The body is malformed. True: an error page may be sent. */
  onClientInvalid(status: number): boolean {
    const early = !this.#headSent
    if (early) {
      this.stage = 'R'
      this.status = status
    } else this.stage = 'D'
    this.#giveUpServer()
    this.#conclude('P')
    return early
  }

  // From the server.

  onServerInformational(head: ResponseHead): void {
    if (this.head?.minor !== 1) return
    this.bytesRead += responseSize(head.reason, head.headers)
    this.#connection.sendHead(formatResponseHead(head.status, head.reason, head.headers, 1))
    this.#connection.flush()
  }

  onServerHead(head: ResponseHead, framing: Framing): void {
    this.times.responded = monotonic()
    if (head.status === 101 && this.head?.upgrade === undefined)
      return this.#onServerFault('invalid', undefined)
    this.direction = 'response'
    this.responseHead = head
    this.#responseFraming = framing
    this.status = head.status
    // Before it is counted, and before rules see it: what is said about the connection was said to us.
    if (head.connection !== 0) cleanConnection(head.headers, this.#opensTunnel(head))
    this.bytesRead += responseSize(head.reason, head.headers)
    const { response: slots } = this.frontend.plan.model.captures
    if (slots.length > 0) this.capturedResponse = captureHeaders(slots, head.headers)
    const steps = this.#route?.response ?? []
    if (steps.length === 0) return this.#sendHead()
    this.#transport?.hold()
    this.runSteps(steps, this.#sendFixedHead)
  }

  readonly #sendFixedHead = (): void => {
    const { responseHead: head } = this
    const hasBody = this.#responseFraming !== 0
    if (head !== undefined && hasBody) fixFraming(head.headers, this.#responseFraming)
    this.#sendHead()
  }

  #sendHead(): void {
    const { head: request, responseHead: head } = this
    if (request === undefined || head === undefined) return
    const framing = this.#responseFraming
    this.status = head.status
    const tunnel = this.#opensTunnel(head)
    this.#clientChunked = framing === Framing.Chunked && request.minor === 1
    // HAProxy 2.6 sends chunks to HTTP/1.0 clients, who cannot read them.
    if (framing === Framing.Chunked && !this.#clientChunked) head.headers.delete('transfer-encoding')
    this.#keep = !tunnel && (framing >= 0 || this.#clientChunked) && this.#mayKeep(request)
    if (!tunnel) this.#addConnection(head.headers, request, head.minor)
    this.#headSent = true
    this.stage = 'D'
    this.#connection.sendHead(formatResponseHead(head.status, head.reason, head.headers, head.minor))
    if (tunnel) return this.#openTunnel()
    if (framing === 0) return this.#endResponse()
    this.#transport?.release()
  }

  #opensTunnel({ status }: ResponseHead): boolean {
    return status === 101 || (this.head?.method === 'CONNECT' && status >= 200 && status < 300)
  }

  #mayKeep(request: RequestHead): boolean {
    return (
      this.#connection.persists(request) &&
      this.frontend.plan.model.options.connectionMode !== 'close' &&
      !this.frontend.proxy.closing
    )
  }

  /** Whatever is not the version's habit is said. */
  #addConnection(headers: HeaderList, request: RequestHead, minor: number): void {
    if (!this.#keep) {
      if (minor === 1) headers.add('connection', 'close')
    } else if (request.minor === 0 || minor === 0) headers.add('connection', 'keep-alive')
  }

  #openTunnel(): void {
    this.#tunnel = true
    this.#requestDone = true
    this.#connection.flush()
    this.#connection.tunnel()
    this.#transport?.tunnel()
    this.#transport?.release()
    this.#connection.releaseBody()
  }

  onServerBody(pieces: readonly Buffer[], done: boolean, trailers: HeaderList | undefined): void {
    for (const piece of pieces) this.bytesRead += piece.length
    if (trailers !== undefined && done) this.bytesRead += fieldsSize(trailers)
    const more = this.#connection.write(pieces, this.#clientChunked, done, trailers)
    if (done) this.#endResponse()
    else if (!more) this.#transport?.hold()
  }

  #endResponse(): void {
    this.#responseDone = true
    // The rest of the request may still be on its way; the server gets it as long as it takes it.
    if (this.#requestDone) this.#end()
    else this.#connection.flush()
  }

  onServerRaw(chunk: Buffer): void {
    this.bytesRead += chunk.length
    if (!this.#connection.write([chunk], false, false, undefined)) this.#transport?.hold()
  }

  onServerRawEnd(): void {
    this.#serverEnded = true
    this.#connection.endRaw()
    if (this.#clientEnded) this.#end()
  }

  onServerPause(): void {
    this.#connection.flush()
  }

  onServerDrain(): void {
    if (!this.#requestDone || this.#tunnel) this.#connection.releaseBody()
  }

  onServerFailed(why: ServerFailure, _error: Error | undefined): void {
    if (this.over) return
    const transport = this.#transport
    if (transport !== undefined && why === 'closed' && this.#mayRepeat(transport)) {
      this.#transport = undefined
      if (this.server !== undefined) this.#connector?.startFresh(this.server)
      return
    }
    this.#onServerFault(why, transport)
  }

  /** A connection that was kept may end just when the next request is sent: that request has probably not been seen. */
  #mayRepeat(transport: ServerTransport): boolean {
    const { head } = this
    if (head === undefined || !transport.reused || this.direction === 'response') return false
    return head.framing === 0 && idempotent.has(head.method)
  }

  #onServerFault(why: ServerFailure, transport: ServerTransport | undefined): void {
    if (transport !== undefined) this.#transport = undefined
    if (this.#responseDone) {
      this.#keep = false
      return this.#end()
    }
    const cause: Cause = why === 'timeout' ? 's' : why === 'invalid' ? 'P' : 'S'
    if (this.#headSent) {
      this.stage = 'D'
      return this.#abort(cause, this.#responseFraming === Framing.UntilClose)
    }
    const status = why === 'timeout' ? 504 : why === 'overloaded' ? 503 : 502
    this.times.responded = -1
    this.#replyError(status, cause)
  }

  // Answers of our own.

  #replyError(status: number, cause: Cause): void {
    this.reply(errorReply(status, this), cause)
  }

  reply(reply: StreamReply, cause: Cause): Flow {
    if (this.over) return Flow.Over
    if (this.#headSent) {
      this.#abort(cause, true)
      return Flow.Over
    }
    this.cause = cause
    this.#giveUpServer()
    this.abandonWait()
    if (reply.silent === true) {
      this.#abort(cause, false)
      return Flow.Over
    }
    this.direction = 'response'
    this.status = reply.status
    this.#onBuffered = undefined
    this.#discard = true
    // A body that has come in already is read; one that has not ends the connection.
    if (!this.#requestDone) this.#requestDone = this.#connection.drainBody()
    this.#responseView = undefined
    this.responseHead = {
      minor: 1,
      status: reply.status,
      reason: reply.reason,
      headers: reply.headers,
      framing: reply.body.length,
      connection: 0,
      upgrade: undefined,
    }
    this.#responseFraming = reply.body.length
    const steps = this.#route?.afterResponse ?? this.frontend.afterResponseSteps
    this.runSteps(steps, () => this.#sendReply(reply))
    return Flow.Over
  }

  #sendReply(reply: StreamReply): void {
    const { head: request, responseHead: head } = this
    if (request === undefined || head === undefined) return
    this.status = head.status === reply.status ? (reply.logged ?? head.status) : head.status
    this.bytesRead += responseSize(head.reason, head.headers)
    this.#keep = this.#requestDone && !reply.close && this.#mayKeep(request)
    this.#addConnection(head.headers, request, 1)
    this.#headSent = true
    this.#connection.sendHead(formatResponseHead(head.status, head.reason, head.headers, 1))
    const hasBody = request.method !== 'HEAD' && head.status !== 204 && head.status !== 304
    if (hasBody && reply.body.length > 0) {
      this.bytesRead += reply.body.length
      this.#connection.write([reply.body], false, true, undefined)
    }
    this.#responseDone = true
    this.#end()
  }

  reject(cause: Cause): Flow {
    if (!this.over) this.#abort(cause, true)
    return Flow.Over
  }

  /** The head is complete, and nothing else is inspected. */
  get inputOver(): boolean {
    return this.#connection.clientEnded
  }

  protected fault(): void {
    // A second fault, of a rule for replies perhaps, leaves nothing to be said.
    if (this.cause === 'I' || this.#headSent) this.#abort('I', true)
    else this.#replyError(500, 'I')
  }

  /** For a request that could not be read: it is only logged. */
  fail(cause: Cause, status: number): void {
    this.status = status
    this.#conclude(cause)
  }

  // The end.

  #giveUpServer(): void {
    this.#transport?.destroy()
    this.#transport = undefined
    this.#connector?.cancel()
    this.#connector = undefined
  }

  /** Ends without a (complete) response: at once, or after what was written is sent. */
  #abort(cause: Cause, atOnce: boolean): void {
    this.#giveUpServer()
    this.#conclude(cause)
    if (atOnce) this.#connection.destroy()
    else this.#connection.end()
  }

  #end(): void {
    if (this.over) return
    this.#connection.flush()
    this.#transport?.finish()
    this.#conclude(this.cause)
    this.#connection.finish(this.#keep)
  }

  #conclude(cause: Cause): void {
    if (this.over) return
    this.cause = cause
    this.times.ended = monotonic()
    this.#connector?.done()
    this.#connector = undefined
    if (this.chosenBackend !== undefined) this.chosenBackend.streams--
    if (!this.#silent) this.frontend.logStream(this)
    this.#transport = undefined
    this.finishOnce()
  }
}
