/** One request and its response: the phases of the request, a server, the phases of the response. */
import { HeaderList } from '../../http1/index.ts'
import type { Framing, RequestHead, ResponseHead } from '../../http1/index.ts'
import type { SampleEndpoint } from '../../sample/stream.ts'
import type { ProxyContext } from '../context.ts'
import { Flow } from '../plan/flow.ts'
import type { StreamReply } from '../plan/reply.ts'
import type { Cause } from '../plan/rule.ts'
import type { Backend } from '../server/backend.ts'
import { Connector } from '../server/connector.ts'
import type { ConnectorClient, Unavailable } from '../server/connector.ts'
import { addForwardedFor, serverConnectionMode } from '../server/request-head.ts'
import type {
  OwnConnections,
  ServerConnection,
  ServerError,
  ServerEvents,
  ServerFailure,
  ServerTransport,
} from '../server/server-transport.ts'
import type { ClientEvents, ClientTransport } from './client-transport.ts'
import { HeldResponse } from './held-response.ts'
import { HttpMessages } from './http-messages.ts'
import { isBegun, step } from './http-state.ts'
import type { ResponseEvent, ResponseState } from './http-state.ts'
import { logBeginning } from './log-line.ts'
import { answersUpgrade, looksSwitched } from '../wire/upgrade.ts'
import type { Beginning } from './record.ts'
import { replyHead } from './reply.ts'
import { RequestBody } from './request-body.ts'
import type { Router } from './router.ts'
import type { Session } from './session.ts'
import { ProxyStream } from './stream.ts'

/** Methods whose request may be sent again when nobody knows whether it arrived (RFC 9110 section 9.2.2). */
const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE'])

/**
 * Glue between a {@link ClientTransport} and a {@link ServerTransport}, neither of which it knows more of. Its two halves
 * are the {@link RequestBody} and the {@link ResponseState}; what is told to the log goes through the record.
 */
export class HttpStream extends HttpMessages implements ServerEvents, ClientEvents, ConnectorClient {
  readonly #client: ClientTransport
  readonly #body: RequestBody
  #response: ResponseState = 'awaited'
  /** The server has switched to another protocol, or opened a tunnel. */
  #switches = false
  /** What came of the response's body while its rules run. */
  #held: HeldResponse | undefined
  #connector: Connector | undefined
  #server: ServerTransport | undefined
  /** The client has ended its side while rules waited for its body. */
  #halved = false
  /** A monitor is not logged. */
  #silent = false

  /** @param serial that of the stream whose connection turned out to be HTTP; undefined: it is a new stream */
  constructor(
    context: ProxyContext,
    session: Session,
    frontend: Router,
    client: ClientTransport,
    head: RequestHead,
    beginning: Beginning,
    serial?: number,
  ) {
    super(context, session, frontend, head, beginning, serial)
    this.#client = client
    this.#body = new RequestBody(client, head.framing === 0)
  }

  // What samples see.

  protected get requestBody(): RequestBody {
    return this.#body
  }

  protected get responseBody(): this {
    return this
  }

  /** Of the response's body. */
  get bytes(): Buffer | undefined {
    if (this.#response === 'judged' && this.#held?.complete !== true) this.#server?.drain()
    return this.#held?.bytes
  }

  /** What of the response's body is announced and has not come. */
  get left(): number {
    return this.#server?.left ?? 0
  }

  override get serverAddress(): SampleEndpoint | undefined {
    return this.#server?.peer ?? this.server?.address
  }

  override get backendSource(): SampleEndpoint | undefined {
    return this.#server?.local
  }

  /** The head is complete; what may still come is its body, of which no more than a buffer is kept. */
  get inputOver(): boolean {
    const { maxBufferSize } = this.context.settings
    if (this.direction === 'request')
      return this.#client.ended || this.#body.complete || this.#body.size >= maxBufferSize
    return (
      this.responseFraming === 0 || this.#held?.complete === true || (this.#held?.size ?? 0) >= maxBufferSize
    )
  }

  /** The body is read on, so that there is more for the rules to see. */
  override awaitBytes(): Flow {
    const flow = super.awaitBytes()
    // The end may have come while the rules were looking: nothing else would wake them.
    if (this.inputOver) this.inspectAgain()
    else if (this.direction === 'response') this.#server?.release()
    else this.#body.gather(this.#body.size + 1, () => this.inspectAgain())
    return flow
  }

  // The request.

  // One function for all streams: a closure for each would cost as much as the stream.
  static readonly #behindFrontend = (stream: HttpStream): void => stream.#chooseBackend()
  static readonly #behindBackend = (stream: HttpStream): void => stream.#forward()

  start(): void {
    logBeginning(this)
    this.takeRequest()
    if (this.asksMonitor) {
      this.#silent = true
      this.reply(this.errorPage(200), 'L')
    } else this.runSteps(this.frontend.steps, HttpStream.#behindFrontend)
  }

  /** As `start`, for a stream that its frontend, of TCP, has sent to `backend` already. */
  startBehind(backend: Backend, before: ProxyStream): void {
    this.inherit(before)
    this.takeRequest()
    this.#goTo(backend)
  }

  #chooseBackend(): void {
    const backend = this.frontend.chooseBackend(this)
    if (backend === undefined) return this.onUnavailable('no-server')
    this.#goTo(backend)
  }

  #goTo(backend: Backend): void {
    this.runSteps(this.enter(backend).request, HttpStream.#behindBackend)
  }

  override awaitBody(): Flow {
    if (this.#body.complete) return Flow.Next
    if (this.head.expectsContinue && this.head.headers.has('expect')) {
      this.#client.sendInformational(continueHead())
      this.head.headers.delete('expect')
    }
    const wait = this.wait()
    this.#body.gather(this.context.settings.maxBufferSize, () => wait.over())
    return Flow.Wait
  }

  #forward(): void {
    const { head, chosenBackend: backend } = this
    if (backend === undefined) return
    this.record.requestReady()
    if (this.#halved) return this.#giveUp('C', () => this.#client.end())
    const { uniqueIdHeader } = this.frontend.plan.model
    // Made while the request can be read, also when only the log shows it.
    const id = this.uniqueId
    if (uniqueIdHeader !== undefined && id !== undefined) head.headers.add(uniqueIdHeader, id)
    addForwardedFor(head.headers, this.source?.address, this.frontend.plan, backend.plan)
    this.#connector = new Connector(this, backend)
    this.#connector.start()
  }

  // The server.

  get ownConnections(): OwnConnections {
    return this.session.connections
  }

  onConnection(connection: ServerConnection): void {
    const { head, chosenBackend: backend } = this
    if (backend === undefined) return
    if (this.#client.ended && this.#abortsOnClose) {
      connection.destroy()
      return this.#replyError(400, 'C')
    }
    const mode = serverConnectionMode(this.frontend.plan, backend.plan)
    const server = connection.begin({ head, mode, stream: this, own: this.ownConnections }, this)
    // It may have failed, and have said so, already.
    if (server === undefined || this.over) return
    this.#server = server
    const mayRepeat = server.reused || server.mayRefuse
    this.#body.forward(server, mayRepeat ? this.context.settings.maxBufferSize : 0)
  }

  onUnavailable(why: Unavailable): void {
    this.#connector = undefined
    this.record.unassigned()
    const timedOut = why === 'queue-timeout' || why === 'connect-timeout'
    this.#replyError(503, timedOut ? 's' : 'S')
  }

  // From the client.

  onClientBody(pieces: readonly Buffer[], done: boolean): void {
    this.countRequestBody(pieces, done, this.#client.trailers)
    this.#body.receive(pieces, done)
    if (done && this.#response === 'done') this.#end()
  }

  onClientRaw(chunk: Buffer): void {
    this.record.bytesUploaded += chunk.length
    if (this.#server?.sendRaw(chunk) === false) this.#client.hold()
  }

  onClientDrain(): void {
    if (this.#response !== 'done') this.#server?.release()
  }

  onClientEnd(): void {
    if (this.over) return
    if (this.#response === 'raw' || this.#response === 'rawEnded') {
      this.#server?.endRaw()
      if (this.#response === 'rawEnded') this.#end()
      return
    }
    // Rules that waited for the body go on with what there is, as in HAProxy; a server is not asked.
    if (this.#body.interrupt(() => (this.#halved = true))) return
    this.#uploadBroken()
    this.#giveUp('C', () => this.#client.end())
  }

  /** A request that breaks off while a server takes it counts as broken data (`http_request_forward_body`). */
  #uploadBroken(): void {
    if (this.#server !== undefined && !this.#body.complete) this.record.answering()
  }

  /** Both sections must say so: one has the connection watched, the other gives the stream up. */
  get #abortsOnClose(): boolean {
    return this.plans.every((plan) => plan?.model.options.abortOnClose === true)
  }

  /** It still gets its answer, unless `option abortonclose`; while rules run, nobody looks. */
  onClientHalfClosed(): void {
    if (this.over || isBegun(this.#response)) return
    if (!this.#abortsOnClose) return
    const { stage } = this.record
    if (stage === 'H') this.#replyError(400, 'C')
    else if (stage !== 'R') this.#giveUp('C', () => this.#client.end())
  }

  onClientGone(): void {
    if (this.over) return
    this.#uploadBroken()
    const complete = this.#response === 'done' || this.#response === 'rawEnded'
    this.#giveUp(complete ? '-' : 'C', () => this.#client.cut())
  }

  onClientTimeout(): void {
    if (this.over) return
    if (isBegun(this.#response)) return this.#giveUp('c', () => this.#client.cut())
    if (this.#server === undefined) return this.#replyError(408, 'c')
    // Once a server is asked it is the server's time that counts, also for a body that stalls (`sH` of HAProxy).
    if (this.chosenBackend?.plan.timeouts.server === undefined) this.#replyError(504, 's')
  }

  onClientInvalid(status: number): void {
    if (this.over) return
    if (isBegun(this.#response)) return this.#giveUp('P', () => this.#client.cut())
    this.record.requestRefused()
    this.record.status = status
    this.#giveUp('P', () => this.#client.refuse(status))
  }

  onDestroy(): void {
    if (!this.over) this.#giveUp('K', () => this.#client.cut())
  }

  // From the server.

  onServerInformational(head: ResponseHead): void {
    if (this.over || isBegun(this.#response)) return
    this.countResponseHead(head)
    if (this.head.minor === 1) this.#client.sendInformational(head)
  }

  override inform(head: ResponseHead): void {
    if (this.head.minor === 1) this.onServerInformational(head)
  }

  onServerHead(head: ResponseHead, framing: Framing): void {
    if (this.over || this.#response !== 'awaited') return
    if (head.status === 101 && !answersUpgrade(this.head, head)) {
      this.#dropServer()
      this.countResponseHead(head)
      return this.onServerFailed('invalid', undefined)
    }
    this.record.responded()
    // As the server said it: rules change what the client sees, not what the server does.
    this.#switches = looksSwitched(this.head.method, head)
    this.takeResponse(head, framing)
    this.#move('head')
    const steps = this.route?.response ?? []
    if (steps.length === 0) return this.#sendHead(head)
    this.#server?.hold()
    this.runSteps(steps, () => this.#sendHead(head))
  }

  #sendHead(head: ResponseHead): void {
    // For the client, who goes by the method that it has sent itself.
    const switched = looksSwitched(this.clientMethod, head)
    const tunnel = this.#switches && switched
    // Neither may a rule promise a switch that no server has made, nor a server have made one that the client never sees.
    if (head.status < 200 && !tunnel) return this.#replyError(502, 'P')
    this.record.status = head.status
    this.#move('send')
    this.record.answering()
    this.#server?.completeHead(head)
    const { connectionMode } = this.frontend.plan.model.options
    const mayKeep = connectionMode !== 'close' && !switched
    this.#client.sendHead(head, this.responseFraming, tunnel, mayKeep)
    if (tunnel) return this.#openTunnel()
    if (this.#switches) this.#dropServer()
    const held = this.#held
    const more = held === undefined || held.sendTo(this.#client)
    if (this.responseFraming === 0 || held?.complete === true) this.#endResponse()
    else if (more) this.#server?.release()
  }

  /** A server that speaks another protocol by now, to nobody. */
  #dropServer(): void {
    const server = this.#server
    this.#server = undefined
    server?.destroy()
  }

  #openTunnel(): void {
    this.#move('switch')
    this.#body.switchToRaw()
    this.#client.openTunnel(this.chosenBackend?.plan.timeouts.tunnel ?? this.frontend.plan.timeouts.tunnel)
    this.#server?.openTunnel()
    this.#server?.release()
    this.#client.release()
  }

  onServerBody(pieces: readonly Buffer[], done: boolean, trailers: HeaderList | undefined): void {
    this.countResponseBody(pieces, done, trailers)
    if (this.#response === 'judged') {
      ;(this.#held ??= new HeldResponse()).add(pieces, done, trailers)
      if (!done) this.#server?.hold()
      return this.inspectAgain()
    }
    const more = this.#client.sendBody(pieces, done, trailers)
    if (done) this.#endResponse()
    else if (!more) this.#server?.hold()
  }

  #endResponse(): void {
    this.#move('last')
    // The rest of the request may still be on its way; the server gets it as long as it takes it.
    if (this.#body.complete) this.#end()
  }

  onServerRaw(chunk: Buffer): void {
    this.record.bytesRead += chunk.length
    if (!this.#client.sendRaw(chunk)) this.#server?.hold()
  }

  onServerRawEnd(): void {
    this.#move('end')
    this.#client.endRaw()
    if (this.#client.ended) this.#end()
  }

  onServerDrain(): void {
    this.#body.resume()
  }

  onServerFailed(why: ServerFailure, error: ServerError | undefined): void {
    if (this.over) return
    const server = this.#server
    this.#server = undefined
    if (why === 'closed' && server !== undefined && this.#mayRepeat(server)) {
      this.#body.restart()
      this.#connector?.startFresh()
      return
    }
    // Nobody has begun to serve it: another server may.
    const isRefusal = why === 'overloaded' || why === 'declined'
    if (isRefusal && this.#body.repeatable && this.#response === 'awaited') {
      this.#body.restart()
      if (this.#connector?.refused(why === 'overloaded') === true) return
    }
    if (why === 'closed' && server !== undefined && this.#mayLeaveToClient(server)) {
      this.#silent = true
      return this.#giveUp('S', () => this.#client.end())
    }
    if (this.#response === 'done') return this.#discardRest()
    // All of the response is here: it only waits for its rules.
    if (this.#response === 'judged' && (this.responseFraming === 0 || this.#held?.complete === true)) return
    if (why === 'refused') return this.#refuse(error?.status ?? 400)
    const cause: Cause = why === 'timeout' ? 's' : why === 'invalid' ? 'P' : 'S'
    if (isBegun(this.#response)) return this.#giveUp(cause, () => this.#client.cut())
    this.record.responseRefused()
    this.#replyError(why === 'timeout' ? 504 : isRefusal ? 503 : 502, cause)
  }

  /**
   * The answer is complete, its server gone, and the rest of the request still on its way: it is read, for the next
   * request stands behind it, and goes nowhere.
   */
  #discardRest(): void {
    this.#leaveServer().connector?.passOn()
    if (this.#body.discard(Number.POSITIVE_INFINITY)) this.#end()
    else this.#client.release()
  }

  /** A connection that was kept may end just when the next request is sent: that request has probably not been seen. */
  #mayRepeat(server: ServerTransport): boolean {
    if (!server.reused || server.answered || this.#response !== 'awaited') return false
    return this.#body.repeatable && (server.unsent || idempotent.has(this.head.method))
  }

  get repeatable(): boolean {
    return this.#body.repeatable && idempotent.has(this.head.method)
  }

  /**
   * Else the client, which knows what its request does, is let to repeat it: when it has had an answer on this connection
   * before, an end without one tells it that it may. HAProxy does not log it (`abort_keep_alive` of
   * `http_wait_for_response`, src/http_ana.c).
   */
  #mayLeaveToClient(server: ServerTransport): boolean {
    return server.reused && !server.answered && this.#response === 'awaited' && !this.firstRequest
  }

  /** The request cannot be sent to this server: that is the client's fault, and it is told. */
  #refuse(status: number): void {
    this.record.requestRefused()
    this.#replyError(status, 'P')
  }

  // Answers of our own.

  #replyError(status: number, cause: Cause): void {
    this.reply(this.errorPage(status), cause)
  }

  reply(reply: StreamReply, cause: Cause): Flow {
    if (this.over) return Flow.Over
    if (isBegun(this.#response) || reply.silent === true) {
      const ending = reply.silent === true ? () => this.#client.end() : () => this.#client.cut()
      this.#giveUp(cause, ending)
      return Flow.Over
    }
    // A rule has refused what the server said, all of which has come to us.
    if (this.#response === 'judged') {
      this.#server?.drain()
      this.record.responseRefused()
    } else if (cause === 'P' || cause === 'L') this.record.requestReady()
    this.record.blame(cause)
    const { server, connector } = this.#leaveServer()
    server?.destroy()
    this.abandonWait()
    if (this.#response !== 'local') this.#move('reply')
    this.record.status = reply.status
    // What of the body has come already is read; what has not come ends the connection.
    this.#body.discard(this.context.settings.maxBufferSize)
    this.#held = undefined
    const head = replyHead(reply)
    this.setResponse(head, reply.body.length)
    const steps = this.route?.afterResponse ?? this.frontend.afterResponse
    this.runSteps(steps, () => this.#sendReply(reply, head))
    connector?.passOn()
    return Flow.Over
  }

  #sendReply(reply: StreamReply, head: ResponseHead): void {
    this.record.status = head.status === reply.status ? (reply.logged ?? head.status) : head.status
    this.countResponseHead(head)
    this.record.bytesRead += reply.uncounted ?? 0
    const { connectionMode } = this.frontend.plan.model.options
    const mayKeep = this.#body.complete && !reply.close && connectionMode !== 'close'
    const hasBody = this.clientMethod !== 'HEAD' && head.status !== 204 && head.status !== 304
    this.#move('send')
    this.#client.sendHead(head, reply.body.length, false, mayKeep)
    if (hasBody && reply.body.length > 0) {
      this.record.bytesRead += reply.body.length
      this.#client.sendBody([reply.body], true, undefined)
    }
    this.#move('last')
    this.#end()
  }

  reject(cause: Cause): Flow {
    if (!this.over) this.#giveUp(cause, () => this.#client.cut())
    return Flow.Over
  }

  protected fault(): void {
    // A second fault, of a rule for replies perhaps, leaves nothing to be said.
    if (this.record.cause === 'I' || isBegun(this.#response)) this.#giveUp('I', () => this.#client.cut())
    else this.#replyError(500, 'I')
  }

  // The end.

  #move(event: ResponseEvent): void {
    const next = step(this.#response, event)
    if (next === undefined) throw new Error(`a response that is ${this.#response} cannot take ${event}`)
    this.#response = next
  }

  protected releaseServer(): void {
    this.#connector?.release()
  }

  /** What the stream has of a server is its own no more; the caller parts from it. */
  #leaveServer(): {
    readonly server: ServerTransport | undefined
    readonly connector: Connector | undefined
  } {
    const server = this.#server
    const connector = this.#connector
    this.#server = undefined
    this.#connector = undefined
    connector?.release()
    return { server, connector }
  }

  /** Ends without a (complete) response. */
  #giveUp(cause: Cause, ending: () => void): void {
    this.record.blame(cause)
    this.finishOnce(this.#silent)
    const { server, connector } = this.#leaveServer()
    ending()
    server?.destroy()
    connector?.passOn()
  }

  #end(): void {
    if (this.over) return
    this.finishOnce(this.#silent)
    const { server, connector } = this.#leaveServer()
    server?.finish()
    // What is left of the body would be read as the next request.
    if (this.#body.complete) this.#client.finish()
    else this.#client.end()
    connector?.passOn()
  }
}

function continueHead(): ResponseHead {
  return {
    minor: 1,
    status: 100,
    reason: 'Continue',
    headers: new HeaderList(),
    framing: 0,
    connection: 0,
    upgrade: undefined,
  }
}
