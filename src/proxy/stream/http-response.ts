/** The answering side of an HTTP stream: its response, whoever makes it, on its way to the client. */
import type { Lent } from '../../base/lent.ts'
import type { Framing, HeaderList, RequestHead, ResponseHead } from '../../http1/index.ts'
import type { SampleResponse } from '../../sample/stream.ts'
import type { StreamReply } from '../plan/reply.ts'
import type { Cause } from '../plan/rule.ts'
import type { Backend } from '../server/backend.ts'
import type { ServerError, ServerEvents, ServerFailure, ServerTransport } from '../server/server-transport.ts'
import { answersUpgrade, looksSwitched } from '../wire/upgrade.ts'
import { captureHeaders } from './captured.ts'
import type { Captured } from './captured.ts'
import type { ClientTransport } from './client-transport.ts'
import { HeldResponse } from './held-response.ts'
import { isBegun, step } from './http-state.ts'
import type { ResponseEvent, ResponseState } from './http-state.ts'
import { endSize, responseSize } from './htx-size.ts'
import { ResponseView } from './message-view.ts'
import type { StreamRecord } from './record.ts'
import type { RequestBody } from './request-body.ts'
import type { Router } from './router.ts'

/** What it needs of its stream. */
export interface Answering {
  readonly over: boolean
  readonly record: StreamRecord
  readonly frontend: Router
  readonly chosenBackend: Backend | undefined
  capturedResponse: Captured | undefined
  direction: 'request' | 'response'
  readonly asking: { readonly head: RequestHead; readonly method: string; readonly body: RequestBody }
  /** Runs the rules of the response, then has it sent. */
  judge(): void
  /** There is more of the body for rules to see. */
  inspectAgain(): void
  /** Whether a response with this status is none, and the request is sent again; what is left of it is dropped then. */
  retriesStatus(status: number): boolean
  replyError(status: number, cause: Cause): void
  onServerFailed(why: ServerFailure, error: ServerError | undefined): void
  /** Both sides are complete. */
  end(): void
}

/** One per stream; an answer of the proxy's own takes the place of the server's. */
export class HttpResponse implements ServerEvents {
  /** Who makes it, while it is the stream's. */
  server: ServerTransport | undefined
  head: ResponseHead | undefined
  readonly #stream: Answering
  readonly #client: ClientTransport
  #state: ResponseState = 'awaited'
  /** How its body comes: bytes, in chunks, or until the connection ends. */
  #framing: Framing = 0
  #view: ResponseView | undefined
  /** What came of its body while its rules run. */
  #held: HeldResponse | undefined
  /** The server has switched to another protocol, or opened a tunnel. */
  #switches = false

  constructor(stream: Answering, client: ClientTransport) {
    this.#stream = stream
    this.#client = client
  }

  get state(): ResponseState {
    return this.#state
  }

  get begun(): boolean {
    return isBegun(this.#state)
  }

  /** Whether all of it has come, and waits for its rules alone. */
  get waits(): boolean {
    return this.#state === 'judged' && this.#complete()
  }

  #complete(): boolean {
    return this.#framing === 0 || this.#held?.complete === true
  }

  // What samples see.

  get view(): SampleResponse | undefined {
    if (this.head === undefined) return undefined
    return (this.#view ??= new ResponseView(this.head, this.#framing, this))
  }

  /** Of its body. */
  get bytes(): Buffer | undefined {
    if (this.#state === 'judged' && this.#held?.complete !== true) this.server?.drain()
    return this.#held?.bytes
  }

  /** What of its body is announced and has not come. */
  get left(): number {
    return this.server?.left ?? 0
  }

  /** Whether rules will see no more of its body, of which no more than `most` bytes are kept. */
  seen(most: number): boolean {
    return this.#state !== 'awaited' && (this.#complete() || (this.#held?.size ?? 0) >= most)
  }

  // From the server.

  onServerInformational(head: ResponseHead): void {
    if (this.#stream.over || this.begun) return
    this.inform(head)
  }

  /** It is counted in the log whoever makes it, as by HAProxy. Clients of HTTP/1.0 do not know any. */
  inform(head: ResponseHead): void {
    this.#count(head)
    if (this.#stream.asking.head.minor === 1) this.#client.sendInformational(head)
  }

  onServerHead(head: ResponseHead, framing: Framing): void {
    const stream = this.#stream
    if (stream.over || this.#state !== 'awaited') return
    if (head.status === 101 && !answersUpgrade(stream.asking.head, head)) {
      this.dropServer()
      this.#count(head)
      return this.onServerFailed('invalid', undefined)
    }
    if (stream.retriesStatus(head.status)) return
    const { record } = stream
    record.responded()
    // As the server said it: rules change what the client sees, not what the server does.
    this.#switches = looksSwitched(stream.asking.head.method, head)
    this.#set(head, framing)
    record.status = head.status
    this.#count(head)
    const { response: slots } = stream.frontend.plan.model.captures
    if (slots.length > 0) stream.capturedResponse = captureHeaders(slots, head.headers)
    this.#move('head')
    stream.judge()
  }

  /** The rules are through. */
  send(): void {
    const { head } = this
    const stream = this.#stream
    if (head === undefined) return
    // For the client, who goes by the method that it has sent itself.
    const switched = looksSwitched(stream.asking.method, head)
    const tunnel = this.#switches && switched
    // Neither may a rule promise a switch that no server has made, nor a server have made one that the client never sees.
    if (head.status < 200 && !tunnel) return stream.replyError(502, 'P')
    stream.record.status = head.status
    this.#move('send')
    stream.record.answering()
    this.server?.completeHead(head)
    const { connectionMode } = stream.frontend.plan.model.options
    this.#client.sendHead(head, this.#framing, tunnel, connectionMode !== 'close' && !switched)
    if (tunnel) return this.#openTunnel()
    if (this.#switches) this.dropServer()
    const more = this.#held === undefined || this.#held.sendTo(this.#client)
    if (this.#complete()) this.#end()
    else if (more) this.server?.release()
  }

  /** A server that speaks another protocol by now, to nobody. */
  dropServer(): void {
    this.takeServer()?.destroy()
  }

  /** It is not the stream's any more; the caller parts from it. */
  takeServer(): ServerTransport | undefined {
    const { server } = this
    this.server = undefined
    return server
  }

  #openTunnel(): void {
    const { asking, chosenBackend, frontend } = this.#stream
    this.#move('switch')
    asking.body.switchToRaw()
    this.#client.openTunnel(chosenBackend?.plan.timeouts.tunnel ?? frontend.plan.timeouts.tunnel)
    this.server?.openTunnel()
    this.server?.release()
    this.#client.release()
  }

  onServerBody(pieces: readonly Lent[], done: boolean, trailers: HeaderList | undefined): void {
    const { record } = this.#stream
    // What came from the server counts, whether the client gets it or not.
    for (const piece of pieces) record.bytesRead += piece.length
    if (done) record.bytesRead += endSize(this.#framing, trailers)
    if (this.#state === 'judged') {
      ;(this.#held ??= new HeldResponse()).add(pieces, done, trailers)
      if (!done) this.server?.hold()
      return this.#stream.inspectAgain()
    }
    const more = this.#client.sendBody(pieces, done, trailers)
    if (done) this.#end()
    else if (!more) this.server?.hold()
  }

  /** The rest of the request may still be on its way; the server gets it as long as it takes it. */
  #end(): void {
    this.#move('last')
    if (this.#stream.asking.body.complete) this.#stream.end()
  }

  onServerRaw(chunk: Lent): void {
    this.#stream.record.bytesRead += chunk.length
    if (!this.#client.sendRaw(chunk)) this.server?.hold()
  }

  onServerRawEnd(): void {
    this.#move('end')
    this.#client.endRaw()
    if (this.#client.ended) this.#stream.end()
  }

  onServerDrain(): void {
    this.#stream.asking.body.resume()
  }

  onServerFailed(why: ServerFailure, error: ServerError | undefined): void {
    this.#stream.onServerFailed(why, error)
  }

  // Answers of our own.

  /** An answer in place of the server's, for its rules to see. */
  replace(head: ResponseHead): void {
    if (this.#state !== 'local') this.#move('reply')
    this.#held = undefined
    this.#set(head, head.framing)
  }

  /** Its rules are through. `mayKeep`: the client's connection is good for another request. */
  sendReply({ status, logged, uncounted, body }: StreamReply, mayKeep: boolean): void {
    const { head } = this
    const { record, asking } = this.#stream
    if (head === undefined) return
    record.status = head.status === status ? (logged ?? head.status) : head.status
    this.#count(head)
    record.bytesRead += uncounted ?? 0
    const hasBody = asking.method !== 'HEAD' && head.status !== 204 && head.status !== 304
    this.#move('send')
    this.#client.sendHead(head, this.#framing, false, mayKeep)
    if (hasBody && body.length > 0) {
      record.bytesRead += body.length
      this.#client.sendBody([body], true, undefined)
    }
    this.#move('last')
  }

  // Both.

  #set(head: ResponseHead, framing: Framing): void {
    this.#stream.direction = 'response'
    this.head = head
    this.#framing = framing
    this.#view = undefined
  }

  #count({ reason, headers }: ResponseHead): void {
    this.#stream.record.bytesRead += responseSize(reason, headers)
  }

  #move(event: ResponseEvent): void {
    const next = step(this.#state, event)
    if (next === undefined) throw new Error(`a response that is ${this.#state} cannot take ${event}`)
    this.#state = next
  }
}
