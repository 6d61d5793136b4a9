/** The faces of a request and a response that samples see. */
import { Framing } from '../../http1/index.ts'
import type { RequestHead, ResponseHead } from '../../http1/index.ts'
import type { SampleHeaders, SampleRequest, SampleResponse } from '../../sample/stream.ts'

/** What is there of a body beside the head. */
export interface BodyView {
  readonly bytes: Buffer | undefined
  /** What the chunk being read, or the announced length, still misses. */
  readonly left: number
}

/** What both have: a message as it is now, whatever rules made of it. */
abstract class MessageView<Head extends RequestHead | ResponseHead> {
  protected readonly head: Head
  readonly #framing: Framing
  readonly #body: BodyView

  constructor(head: Head, framing: Framing, body: BodyView) {
    this.head = head
    this.#framing = framing
    this.#body = body
  }

  get version(): string {
    return this.head.minor === 0 ? '1.0' : '1.1'
  }

  get headers(): SampleHeaders {
    return this.head.headers.pairs
  }

  get body(): Buffer | undefined {
    return this.#body.bytes
  }

  /** How much of it is announced; undefined when nothing is. */
  get bodySize(): number | undefined {
    if (this.#framing >= 0) return this.#framing
    if (this.#framing !== Framing.Chunked) return undefined
    return (this.body?.length ?? 0) + this.#body.left
  }
}

/** As samples see a request. */
export class RequestView extends MessageView<RequestHead> implements SampleRequest {
  readonly receivedMethod: string

  constructor(head: RequestHead, body: BodyView, receivedMethod = head.method) {
    super(head, head.framing, body)
    this.receivedMethod = receivedMethod
  }

  get method(): string {
    return this.head.method
  }

  get target(): string {
    return this.head.target
  }
}

/** As samples see a response; its framing is not its head's to say alone. */
export class ResponseView extends MessageView<ResponseHead> implements SampleResponse {
  get status(): number {
    return this.head.status
  }

  get reason(): string {
    return this.head.reason
  }
}
