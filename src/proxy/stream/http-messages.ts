/** The two messages of an HTTP stream, as rules, samples and the log see them. */
import { originForm } from '../../http1/index.ts'
import type { Framing, HeaderList, RequestHead, ResponseHead } from '../../http1/index.ts'
import type { RequestState, SampleRequest, SampleResponse } from '../../sample/stream.ts'
import type { ProxyContext } from '../context.ts'
import { captureHeaders } from './captured.ts'
import { endSize, requestSize, responseSize } from './htx-size.ts'
import { RequestView, ResponseView } from './message-view.ts'
import type { BodyView } from './message-view.ts'
import { StreamRecord } from './record.ts'
import type { Beginning } from './record.ts'
import type { Router } from './router.ts'
import type { Session } from './session.ts'
import { ProxyStream } from './stream.ts'

/** Counts what they weigh; how they travel is the {@link HttpStream}'s. */
export abstract class HttpMessages extends ProxyStream {
  readonly #head: RequestHead
  /** As received: rules may change those of the head. */
  readonly #method: string
  readonly #target: string
  #requestView: RequestView | undefined
  #responseHead: ResponseHead | undefined
  #responseFraming: Framing = 0
  #responseView: ResponseView | undefined

  constructor(
    context: ProxyContext,
    session: Session,
    frontend: Router,
    head: RequestHead,
    beginning: Beginning,
    serial: number | undefined,
  ) {
    super(context, session, frontend, new StreamRecord(beginning, -1), serial)
    this.#head = head
    this.#method = head.method
    this.#target = head.target
  }

  /** The body of the request, as far as it is there. */
  protected abstract get requestBody(): BodyView
  /** The body of the response, as far as it is there while rules look at it. */
  protected abstract get responseBody(): BodyView

  override get head(): RequestHead {
    return this.#head
  }

  /** That of the client, for whom the answer ends as it belongs to this one; the server goes by the head's. */
  protected get clientMethod(): string {
    return this.#method
  }

  override get request(): SampleRequest {
    return (this.#requestView ??= new RequestView(this.#head, this.requestBody))
  }

  override get requestState(): RequestState {
    return 'complete'
  }

  override get requestLine(): string | undefined {
    // Content rules run before HAProxy has taken it down.
    return this.inspecting ? undefined : `${this.#method} ${this.#target} HTTP/1.${this.#head.minor}`
  }

  override get responseHead(): ResponseHead | undefined {
    return this.#responseHead
  }

  /** How its body comes: bytes, in chunks, or until the connection ends. */
  protected get responseFraming(): Framing {
    return this.#responseFraming
  }

  override get response(): SampleResponse | undefined {
    const head = this.#responseHead
    if (head === undefined) return undefined
    return (this.#responseView ??= new ResponseView(head, this.#responseFraming, this.responseBody))
  }

  /** Whether `monitor-uri` asks: with a slash in front it is compared with the path, else with the whole target. */
  protected get asksMonitor(): boolean {
    const { monitorUri } = this.frontend.plan.model
    if (monitorUri === undefined) return false
    return (
      this.#target === monitorUri || (monitorUri.startsWith('/') && originForm(this.#target) === monitorUri)
    )
  }

  /** The request as it came: counted, and its headers taken down for the log. */
  protected takeRequest(): void {
    const { method, target, headers } = this.#head
    this.record.bytesUploaded += requestSize(method, target, headers)
    const { request: slots } = this.frontend.plan.model.captures
    if (slots.length > 0) this.capturedRequest = captureHeaders(slots, headers)
  }

  protected countRequestBody(
    pieces: readonly Buffer[],
    done: boolean,
    trailers: HeaderList | undefined,
  ): void {
    for (const piece of pieces) this.record.bytesUploaded += piece.length
    if (done) this.record.bytesUploaded += endSize(this.#head.framing, trailers)
  }

  /** A head that a server has sent: rules may change it from here on. */
  protected takeResponse(head: ResponseHead, framing: Framing): void {
    this.setResponse(head, framing)
    this.record.status = head.status
    this.countResponseHead(head)
    const { response: slots } = this.frontend.plan.model.captures
    if (slots.length > 0) this.capturedResponse = captureHeaders(slots, head.headers)
  }

  /** This is the answer, whoever made it. */
  protected setResponse(head: ResponseHead, framing: Framing): void {
    this.direction = 'response'
    this.#responseHead = head
    this.#responseFraming = framing
    this.#responseView = undefined
  }

  protected countResponseHead({ reason, headers }: ResponseHead): void {
    this.record.bytesRead += responseSize(reason, headers)
  }

  /** What came from the server counts, whether the client gets it or not. */
  protected countResponseBody(
    pieces: readonly Buffer[],
    done: boolean,
    trailers: HeaderList | undefined,
  ): void {
    for (const piece of pieces) this.record.bytesRead += piece.length
    if (done) this.record.bytesRead += endSize(this.#responseFraming, trailers)
  }
}
