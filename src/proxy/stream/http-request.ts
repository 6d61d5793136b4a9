/** The asking side of an HTTP stream: its request, as it came and as rules made it, and what its client does. */
import type { Lent } from '../../base/lent.ts'
import { originForm } from '../../http1/index.ts'
import type { RequestHead } from '../../http1/index.ts'
import type { SampleRequest } from '../../sample/stream.ts'
import type { ProxyPlan } from '../plan/plan.ts'
import type { Cause } from '../plan/rule.ts'
import type { Backend } from '../server/backend.ts'
import type { ServerTransport } from '../server/server-transport.ts'
import { captureHeaders } from './captured.ts'
import type { Captured } from './captured.ts'
import type { ClientEvents, ClientTransport } from './client-transport.ts'
import { endSize, requestSize } from './htx-size.ts'
import type { ResponseState } from './http-state.ts'
import { RequestView } from './message-view.ts'
import type { StreamRecord } from './record.ts'
import { RequestBody } from './request-body.ts'
import type { Router } from './router.ts'

/** What it needs of its stream. */
export interface Asking {
  readonly over: boolean
  readonly record: StreamRecord
  readonly frontend: Router
  readonly chosenBackend: Backend | undefined
  readonly plans: readonly [backend: ProxyPlan | undefined, frontend: ProxyPlan]
  capturedRequest: Captured | undefined
  readonly answering: {
    readonly state: ResponseState
    /** Whether a head is on its way to the client: there is no other answer then. */
    readonly begun: boolean
    readonly server: ServerTransport | undefined
  }
  replyError(status: number, cause: Cause): void
  /** Ends without a (complete) response: `ending` says what becomes of the client. */
  giveUp(cause: Cause, ending: () => void): void
  /** Both sides are complete. */
  end(): void
}

/** One per stream. How its body travels is in {@link RequestBody}. */
export class HttpRequest implements ClientEvents {
  readonly head: RequestHead
  /** As received: rules may change those of the head. */
  readonly method: string
  readonly target: string
  readonly body: RequestBody
  /** The client has ended its side while rules waited for its body. */
  halved = false
  readonly #stream: Asking
  readonly #client: ClientTransport
  #view: RequestView | undefined

  constructor(stream: Asking, client: ClientTransport, head: RequestHead) {
    this.#stream = stream
    this.#client = client
    this.head = head
    this.method = head.method
    this.target = head.target
    this.body = new RequestBody(client, head.framing === 0)
  }

  // What it is.

  get view(): SampleRequest {
    return (this.#view ??= new RequestView(this.head, this.body, this.method))
  }

  /** As received. */
  get line(): string {
    return `${this.method} ${this.target} HTTP/1.${this.head.minor}`
  }

  /** Whether `monitor-uri` asks: with a slash in front it is compared with the path, else with the whole target. */
  get asksMonitor(): boolean {
    const { monitorUri } = this.#stream.frontend.plan.model
    if (monitorUri === undefined) return false
    return (
      this.target === monitorUri || (monitorUri.startsWith('/') && originForm(this.target) === monitorUri)
    )
  }

  /** As it came: counted, and its headers taken down for the log. */
  take(): void {
    const stream = this.#stream
    const { method, target, headers } = this.head
    stream.record.bytesUploaded += requestSize(method, target, headers)
    const { request: slots } = stream.frontend.plan.model.captures
    if (slots.length > 0) stream.capturedRequest = captureHeaders(slots, headers)
  }

  /** A body that came in chunks is here as a whole. */
  sayLength(): void {
    const { headers } = this.head
    headers.delete('transfer-encoding')
    headers.set('content-length', String(this.body.wholeSize))
    this.head.framing = this.body.wholeSize
  }

  // What its client does.

  onClientBody(pieces: readonly Lent[], done: boolean): void {
    const { record, answering } = this.#stream
    for (const piece of pieces) record.bytesUploaded += piece.length
    if (done) record.bytesUploaded += endSize(this.head.framing, this.#client.trailers)
    this.body.receive(pieces, done)
    if (done && answering.state === 'done') this.#stream.end()
  }

  onClientRaw(chunk: Lent): void {
    this.#stream.record.bytesUploaded += chunk.length
    if (this.#stream.answering.server?.sendRaw(chunk) === false) this.#client.hold()
  }

  onClientDrain(): void {
    const { state, server } = this.#stream.answering
    if (state !== 'done') server?.release()
  }

  onClientEnd(): void {
    const stream = this.#stream
    if (stream.over) return
    const { state, server } = stream.answering
    if (state === 'raw' || state === 'rawEnded') {
      server?.endRaw()
      if (state === 'rawEnded') stream.end()
      return
    }
    // Rules that waited for the body go on with what there is, as in HAProxy; a server is not asked.
    if (this.body.interrupt(() => (this.halved = true))) return
    this.#uploadBroken()
    stream.giveUp('C', () => this.#client.end())
  }

  /** A request that breaks off while a server takes it counts as broken data (`http_request_forward_body`). */
  #uploadBroken(): void {
    const { answering, record } = this.#stream
    if (answering.server !== undefined && !this.body.complete) record.answering()
  }

  /** Both sections must say so: one has the connection watched, the other gives the stream up. */
  get abortsOnClose(): boolean {
    return this.#stream.plans.every((plan) => plan?.model.options.abortOnClose === true)
  }

  /**
   * It still gets its answer, unless `option abortonclose`; while rules run, nobody looks. An application that works for
   * nobody is told: it would find out when it writes, and holds a worker until then. So is its queue.
   */
  onClientHalfClosed(): void {
    const stream = this.#stream
    if (stream.over || stream.answering.begun) return
    const { stage } = stream.record
    const isWaiting = stage === 'H' || stage === 'Q'
    const isTold = isWaiting && stream.chosenBackend?.plan.fcgi?.model.abortRequest === true
    if (!isTold && !this.abortsOnClose) return
    if (stage === 'H') stream.replyError(400, 'C')
    else if (stage !== 'R') stream.giveUp('C', () => this.#client.end())
  }

  onClientGone(): void {
    const stream = this.#stream
    if (stream.over) return
    this.#uploadBroken()
    // Of a tunnel nothing is missing when its server has ended, too.
    stream.giveUp(stream.answering.state === 'rawEnded' ? '-' : 'C', () => this.#client.cut())
  }

  onClientTimeout(): void {
    const stream = this.#stream
    if (stream.over) return
    const { begun, server } = stream.answering
    if (begun) return stream.giveUp('c', () => this.#client.cut())
    if (server === undefined) return stream.replyError(408, 'c')
    // Once a server is asked it is the server's time that counts, also for a body that stalls (`sH` of HAProxy).
    if (stream.chosenBackend?.plan.timeouts.server === undefined) stream.replyError(504, 's')
  }

  onClientInvalid(status: number): void {
    const stream = this.#stream
    if (stream.over) return
    if (stream.answering.begun) return stream.giveUp('P', () => this.#client.cut())
    stream.record.requestRefused()
    stream.record.status = status
    stream.giveUp('P', () => this.#client.refuse(status))
  }

  onDestroy(): void {
    if (!this.#stream.over) this.#stream.giveUp('K', () => this.#client.cut())
  }
}
