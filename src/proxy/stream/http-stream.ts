/** One request and its response: the phases of the request, a server, the phases of the response. */
import type { ConnectionMode } from '../../config/index.ts'
import type { RequestHead, ResponseHead } from '../../http1/index.ts'
import type { RetryReason } from '../../config/index.ts'
import { Framing, HeaderList, isIdempotent, mayRepeat } from '../../http1/index.ts'
import type { RequestState, SampleEndpoint, SampleRequest, SampleResponse } from '../../sample/stream.ts'
import type { ProxyContext } from '../context.ts'
import { Flow } from '../plan/flow.ts'
import type { ProxyPlan } from '../plan/plan.ts'
import type { StreamReply } from '../plan/reply.ts'
import type { ServedFile } from '../plan/served-file.ts'
import type { Cause } from '../plan/rule.ts'
import type { Backend } from '../server/backend.ts'
import { Connector } from '../server/connector.ts'
import type { ConnectorClient, Unavailable } from '../server/connector.ts'
import { FileServer } from '../server/file-server.ts'
import { addForwardedFor, serverConnectionMode } from '../server/request-head.ts'
import type {
  OwnConnections,
  ServerConnection,
  ServerError,
  ServerFailure,
  ServerTransport,
} from '../server/server-transport.ts'
import type { ClientTransport } from './client-transport.ts'
import { HttpRequest } from './http-request.ts'
import type { Asking } from './http-request.ts'
import { HttpResponse } from './http-response.ts'
import type { Answering } from './http-response.ts'
import { logBeginning } from './log-line.ts'
import { Meeting } from './meeting.ts'
import type { Meets } from './meeting.ts'
import { StreamRecord } from './record.ts'
import type { Beginning } from './record.ts'
import { replyHead } from './reply.ts'
import { hasResponseReason, reasonOf } from './retry-reason.ts'
import type { Router } from './router.ts'
import type { Session } from './session.ts'
import { ProxyStream } from './stream.ts'

/**
 * Glue between a {@link ClientTransport} and a {@link ServerTransport}, neither of which it knows more of. What the client
 * does comes to its asking side, what the server does to its answering side; here is what concerns both: the phases, the
 * way to a server, answers of our own, and the end. What is told to the log goes through the record.
 */
export class HttpStream extends ProxyStream implements ConnectorClient, Asking, Answering, Meets {
  readonly asking: HttpRequest
  readonly answering: HttpResponse
  readonly #client: ClientTransport
  #connector: Connector | undefined
  /** A monitor is not logged. */
  #silent = false
  #meeting: Meeting | undefined

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
    super(context, session, frontend, new StreamRecord(beginning, -1), serial)
    this.#client = client
    this.asking = new HttpRequest(this, client, head)
    this.answering = new HttpResponse(this, client)
  }

  // What samples see.

  override get head(): RequestHead {
    return this.asking.head
  }

  override get request(): SampleRequest {
    return this.asking.view
  }

  override get requestState(): RequestState {
    return 'complete'
  }

  override get requestLine(): string | undefined {
    // Content rules run before HAProxy has taken it down.
    return this.inspecting ? undefined : this.asking.line.slice(0, this.context.loggedRequestLine)
  }

  override get responseHead(): ResponseHead | undefined {
    return this.answering.head
  }

  override get response(): SampleResponse | undefined {
    return this.answering.view
  }

  get awaitsResponse(): boolean {
    return this.answering.state === 'awaited'
  }

  override get serverAddress(): SampleEndpoint | undefined {
    return this.answering.server?.peer ?? this.server?.address
  }

  override get backendSource(): SampleEndpoint | undefined {
    return this.answering.server?.local
  }

  override get plans(): readonly [backend: ProxyPlan | undefined, frontend: ProxyPlan] {
    return super.plans
  }

  /** The head is complete; what may still come is its body, of which no more than a buffer is kept. */
  get inputOver(): boolean {
    const { maxBufferSize } = this.context.settings
    if (this.direction === 'response') return this.answering.seen(maxBufferSize)
    const { body } = this.asking
    return this.#client.ended || body.complete || body.size >= maxBufferSize
  }

  /** The body is read on, so that there is more for the rules to see. */
  override awaitBytes(): Flow {
    const { body } = this.asking
    const flow = super.awaitBytes()
    // The end may have come while the rules were looking: nothing else would wake them.
    if (this.inputOver) this.inspectAgain()
    else if (this.direction === 'response') this.answering.server?.release()
    else body.gather(body.size + 1, undefined, () => this.inspectAgain())
    return flow
  }

  // The phases. One function for all streams: a closure for each would cost as much as the stream.

  static readonly #behindFrontend = (stream: HttpStream): void => stream.#chooseBackend()
  static readonly #behindUpgrade = (stream: HttpStream): void => stream.#runBackend()
  static readonly #behindBackend = (stream: HttpStream): void => stream.#forward()
  static readonly #behindMeeting = (stream: HttpStream): void => stream.#meeting?.end()
  static readonly #behindResponse = (stream: HttpStream): void => stream.answering.send()

  start(): void {
    logBeginning(this)
    this.asking.take()
    this.runSteps(this.frontend.httpSteps, HttpStream.#behindFrontend)
  }

  /** As `start`, for a stream that its frontend, of TCP, has sent to `backend` already. */
  startBehind(backend: Backend, before: ProxyStream): void {
    this.inherit(before)
    this.asking.take()
    this.enter(backend)
    this.runSteps(this.frontend.upgradeSteps, HttpStream.#behindUpgrade)
  }

  override answerMonitor(): Flow {
    if (!this.asking.asksMonitor) return Flow.Next
    this.#silent = true
    return this.reply(this.errorPage(200), 'L')
  }

  #chooseBackend(): void {
    const backend = this.frontend.chooseBackend(this)
    if (backend === undefined) return this.onUnavailable('no-server')
    this.enter(backend)
    this.#runBackend()
  }

  #runBackend(): void {
    this.runSteps(this.route?.request ?? [], HttpStream.#behindBackend)
  }

  /** HAProxy's time begins with the wait, not with the request, and is that of the section whose rules run (`http_wait_for_request_body`). */
  override awaitBufferedBody(): Flow {
    return this.awaitBody((this.chosenBackend ?? this.frontend).plan.model.timeouts.httpRequest)
  }

  override awaitBody(time: number | undefined, enough = Infinity): Flow {
    const { body } = this.asking
    if (body.complete) return Flow.Next
    this.#askForBody()
    const wait = this.wait()
    body.gather(Math.min(enough, this.context.settings.maxBufferSize), time, () => wait.over())
    return Flow.Wait
  }

  #askForBody(): void {
    const { expectsContinue, headers } = this.head
    if (!expectsContinue || !headers.has('expect')) return
    this.answering.inform(continueHead())
    headers.delete('expect')
  }

  override awaitWholeBody(most: number, memory = this.context.settings.maxBufferSize): Flow {
    const { head, body } = this.asking
    if (head.framing !== Framing.Chunked) return Flow.Next
    this.#askForBody()
    const wait = this.wait()
    body.spool({ most, memory }, (how, err) => {
      if (this.over) return
      if (err !== undefined) this.#tellSpoolFailed(err)
      if (how !== 'whole') return this.#refuseBody(how === 'too-large' ? 413 : 500)
      this.asking.sayLength()
      wait.over()
    })
    return this.over ? Flow.Over : Flow.Wait
  }

  #tellSpoolFailed(err: Error): void {
    const about = { err, frontend: this.frontend.name, backend: this.chosenBackend?.name }
    this.context.settings.logger.error(about, 'a request body cannot be kept until its end')
  }

  /** The file may fail while a server has begun to answer. */
  #refuseBody(status: number): void {
    if (this.answering.begun) return this.giveUp('I', () => this.#client.cut())
    if (status === 413) this.#refuse(status)
    else this.replyError(status, 'I')
  }

  judge(): void {
    if (this.#meeting?.runs === true) {
      this.answering.server?.hold()
      return this.inspectAgain()
    }
    const steps = this.route?.response ?? []
    if (steps.length > 0) this.answering.server?.hold()
    this.runSteps(steps, HttpStream.#behindResponse)
  }

  override inform(head: ResponseHead): void {
    if (this.head.minor === 1) this.answering.onServerInformational(head)
  }

  // The way to a server.

  #forward(): void {
    const { head, halved } = this.asking
    const backend = this.chosenBackend
    if (backend === undefined) return
    this.record.requestReady()
    if (halved) return this.giveUp('C', () => this.#client.end())
    const { uniqueIdHeader } = this.frontend.plan.model
    // Made while the request can be read, also when only the log shows it.
    const id = this.uniqueId
    if (uniqueIdHeader !== undefined && id !== undefined) head.headers.add(uniqueIdHeader, id)
    addForwardedFor(head.headers, this.source?.address, this.frontend.plan, backend.plan)
    this.#connector = new Connector(this, backend)
    this.#connector.start()
  }

  get ownConnections(): OwnConnections {
    return this.session.connections
  }

  get repeatable(): boolean {
    return this.asking.body.repeatable && isIdempotent(this.head.method)
  }

  /** All that may come of its body is kept while it flows. */
  get recallable(): boolean {
    const { framing } = this.head
    return framing >= 0 && framing <= this.context.settings.maxBufferSize && this.asking.body.repeatable
  }

  onConnection(connection: ServerConnection): void {
    const backend = this.chosenBackend
    if (backend === undefined) return
    if (this.#client.ended && this.asking.abortsOnClose) {
      connection.destroy()
      return this.replyError(400, 'C')
    }
    this.#beginOn(connection, serverConnectionMode(this.frontend.plan, backend.plan))
  }

  #beginOn(connection: ServerConnection, mode: ConnectionMode): void {
    const { asking, answering } = this
    const { repeatable } = this
    const model = this.chosenBackend?.plan.model
    const pretendKeepAlive = model?.options.pretendKeepAlive === true
    const own = model?.httpReuse === 'never' ? this.ownConnections : undefined
    const request = { head: asking.head, mode, pretendKeepAlive, repeatable, stream: this, own }
    const server = connection.begin(request, answering)
    // It may have failed, and have said so, already.
    if (server === undefined || this.over) return
    answering.server = server
    const mayRepeat = server.reused || server.mayRefuse || hasResponseReason(this.chosenBackend)
    asking.body.forward(server, mayRepeat ? this.context.settings.maxBufferSize : 0)
    if (!this.over) this.#meet(server)
  }

  #meet(server: ServerTransport): void {
    const steps = this.route?.server ?? []
    if (steps.length === 0) return
    if (this.#meeting === undefined) {
      this.#meeting = new Meeting(this)
      this.direction = 'response'
      this.runSteps(steps, HttpStream.#behindMeeting)
    }
    this.#meeting.join(server)
  }

  /** In the backend that the request would have gone to: its rules see the response, and the log has its name. */
  override serveFile(file: ServedFile): Flow {
    const connection = new FileServer(file)
    if (this.over || this.answering.state !== 'awaited') {
      connection.destroy()
      return Flow.Over
    }
    this.abandonWait()
    const backend = this.chosenBackend ?? this.frontend.chooseBackend(this)
    if (backend !== undefined && this.chosenBackend === undefined) this.enter(backend)
    this.record.requestReady()
    this.record.assigned()
    this.record.connected(true)
    this.#beginOn(connection, 'keep-alive')
    return Flow.Over
  }

  onUnavailable(why: Unavailable): void {
    this.#connector = undefined
    this.record.unassigned()
    const timedOut = why === 'queue-timeout' || why === 'connect-timeout'
    this.replyError(503, timedOut ? 's' : 'S')
  }

  onServerFailed(why: ServerFailure, error: ServerError | undefined): void {
    if (this.over) return
    const { asking, answering } = this
    const server = answering.takeServer()
    if (why === 'closed' && server !== undefined && this.#mayRepeat(server)) {
      asking.body.restart()
      this.#connector?.startFresh()
      return
    }
    // Nobody has begun to serve it: another server may.
    const refusal = why === 'overloaded' || why === 'declined' ? why : undefined
    const mayRetry = refusal === undefined ? this.#retriesOn(reasonOf(why)) : this.#mayRetry
    if (mayRetry) return this.#retry(refusal)
    if (why === 'closed' && server !== undefined && this.#mayLeaveToClient(server)) {
      this.#silent = true
      return this.giveUp('S', () => this.#client.end())
    }
    if (answering.state === 'done') return this.#discardRest()
    if (answering.waits) return
    // What cannot be put into parameters is a fault of its own to HAProxy.
    if (why === 'refused' && error?.status === 500) return this.replyError(500, 'I')
    if (why === 'refused') return this.#refuse(error?.status ?? 400)
    const cause: Cause = why === 'timeout' ? 's' : why === 'invalid' ? 'P' : 'S'
    if (answering.begun) return this.giveUp(cause, () => this.#client.cut())
    this.record.responseRefused()
    this.replyError(why === 'timeout' ? 504 : refusal !== undefined ? 503 : 502, cause)
  }

  /**
   * The answer is complete, its server gone, and the rest of the request still on its way: it is read, for the next
   * request stands behind it, and goes nowhere.
   */
  #discardRest(): void {
    this.#takeConnector()?.passOn()
    if (this.asking.body.discard(Number.POSITIVE_INFINITY)) this.end()
    else this.#client.release()
  }

  /** A connection that was kept may end just when the next request is sent: that request has probably not been seen. */
  #mayRepeat({ reused, answered, unsent }: ServerTransport): boolean {
    const { asking, answering } = this
    // On a new connection the next one would meet the same end, and for ever.
    if (!reused || answered || answering.state !== 'awaited' || !asking.body.repeatable) return false
    return mayRepeat({ idempotent: isIdempotent(this.head.method), reused, unsent })
  }

  get #mayRetry(): boolean {
    const isAwaited = this.asking.body.repeatable && this.answering.state === 'awaited'
    return isAwaited && this.#connector?.mayRetry === true
  }

  #retriesOn(reason: RetryReason | undefined): boolean {
    if (reason === undefined || this.sentOnce || !this.#mayRetry) return false
    return this.chosenBackend?.plan.model.retryOn.has(reason) === true
  }

  #retry(refusal?: 'overloaded' | 'declined'): void {
    this.asking.body.restart()
    this.#connector?.retry(refusal)
  }

  /** `retry-on` may name the status of a response: it is none then. */
  retriesStatus(status: number): boolean {
    if (!this.#retriesOn(status)) return false
    this.answering.dropServer()
    this.#retry()
    return true
  }

  /**
   * Else the client, which knows what its request does, is let to repeat it: when it has had an answer on this connection
   * before, an end without one tells it that it may. HAProxy does not log it (`abort_keep_alive` of
   * `http_wait_for_response`, src/http_ana.c).
   */
  #mayLeaveToClient(server: ServerTransport): boolean {
    return server.reused && !server.answered && this.answering.state === 'awaited' && !this.firstRequest
  }

  /** The request cannot be sent to this server: that is the client's fault, and it is told. */
  #refuse(status: number): void {
    this.record.requestRefused()
    this.replyError(status, 'P')
  }

  // Answers of our own.

  replyError(status: number, cause: Cause): void {
    this.reply(this.errorPage(status), cause)
  }

  reply(reply: StreamReply, cause: Cause): Flow {
    if (this.over) return Flow.Over
    const { asking, answering } = this
    if (answering.begun || reply.silent === true) {
      const ending = reply.silent === true ? () => this.#client.end() : () => this.#client.cut()
      this.giveUp(cause, ending)
      return Flow.Over
    }
    // A rule has refused what the server said, all of which has come to us.
    if (answering.state === 'judged') {
      answering.server?.drain()
      this.record.responseRefused()
    } else if (cause === 'P' || cause === 'L') this.record.requestReady()
    this.record.blame(cause)
    const connector = this.#takeConnector()
    answering.dropServer()
    this.abandonWait()
    // What of the body has come already is read; what has not come ends the connection.
    asking.body.discard(this.context.settings.maxBufferSize)
    answering.replace(replyHead(reply))
    this.record.status = reply.status
    const steps = this.route?.afterResponse ?? this.frontend.afterResponse
    this.runSteps(steps, () => this.#sendReply(reply))
    connector?.passOn()
    return Flow.Over
  }

  #sendReply(reply: StreamReply): void {
    const { connectionMode } = this.frontend.plan.model.options
    const mayKeep = this.asking.body.complete && !reply.close && connectionMode !== 'close'
    this.answering.sendReply(reply, mayKeep)
    this.end()
  }

  reject(cause: Cause): Flow {
    if (!this.over) this.giveUp(cause, () => this.#client.cut())
    return Flow.Over
  }

  protected fault(): void {
    // A second fault, of a rule for replies perhaps, leaves nothing to be said.
    if (this.record.cause === 'I' || this.answering.begun) this.giveUp('I', () => this.#client.cut())
    else this.replyError(500, 'I')
  }

  // The end.

  protected releaseServer(): void {
    this.#connector?.release()
    this.asking.body.close()
  }

  /** The place that the stream has at a server is given back; the caller passes it on. */
  #takeConnector(): Connector | undefined {
    const connector = this.#connector
    this.#connector = undefined
    connector?.release()
    return connector
  }

  giveUp(cause: Cause, ending: () => void): void {
    this.record.blame(cause)
    this.finishOnce(this.#silent)
    const connector = this.#takeConnector()
    const server = this.answering.takeServer()
    ending()
    server?.destroy()
    connector?.passOn()
  }

  end(): void {
    if (this.over) return
    this.finishOnce(this.#silent)
    const connector = this.#takeConnector()
    this.answering.takeServer()?.finish()
    // What is left of the body would be read as the next request.
    if (this.asking.body.complete) this.#client.finish()
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
