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

/** How much of a body is announced; undefined when nothing is. */
function announced(framing: Framing, body: BodyView): number | undefined {
  if (framing >= 0) return framing
  return framing === Framing.Chunked ? (body.bytes?.length ?? 0) + body.left : undefined
}

/** As samples see a request, whatever rules made of it by now. */
export class RequestView implements SampleRequest {
  readonly #head: RequestHead
  readonly #body: BodyView

  constructor(head: RequestHead, body: BodyView) {
    this.#head = head
    this.#body = body
  }

  get method(): string {
    return this.#head.method
  }

  get target(): string {
    return this.#head.target
  }

  get version(): string {
    return this.#head.minor === 0 ? '1.0' : '1.1'
  }

  get headers(): SampleHeaders {
    return this.#head.headers.pairs
  }

  get body(): Buffer | undefined {
    return this.#body.bytes
  }

  get bodySize(): number | undefined {
    return announced(this.#head.framing, this.#body)
  }
}

/** As samples see a response. */
export class ResponseView implements SampleResponse {
  readonly #head: ResponseHead
  readonly #framing: Framing
  readonly #body: BodyView

  constructor(head: ResponseHead, framing: Framing, body: BodyView) {
    this.#head = head
    this.#framing = framing
    this.#body = body
  }

  get status(): number {
    return this.#head.status
  }

  get reason(): string {
    return this.#head.reason
  }

  get version(): string {
    return this.#head.minor === 0 ? '1.0' : '1.1'
  }

  get headers(): SampleHeaders {
    return this.#head.headers.pairs
  }

  get body(): Buffer | undefined {
    return this.#body.bytes
  }

  get bodySize(): number | undefined {
    return announced(this.#framing, this.#body)
  }
}
