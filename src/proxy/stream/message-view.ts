/** The faces of a request and a response that samples see. */
import { Framing } from '../../http1/index.ts'
import type { RequestHead, ResponseHead } from '../../http1/index.ts'
import type { SampleHeaders, SampleRequest, SampleResponse } from '../../sample/stream.ts'

/** What is known of the body beside the head. */
export interface BodySource {
  readonly bufferedBody: Buffer | undefined
}

/** See the head of this file. */
export class RequestView implements SampleRequest {
  readonly #head: RequestHead
  readonly #body: BodySource

  constructor(head: RequestHead, body: BodySource) {
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
    return this.#body.bufferedBody
  }

  get bodySize(): number | undefined {
    const { framing } = this.#head
    return framing === Framing.Chunked ? undefined : framing
  }
}

/** See the head of this file. */
export class ResponseView implements SampleResponse {
  readonly #head: ResponseHead
  readonly #framing: Framing

  constructor(head: ResponseHead, framing: Framing) {
    this.#head = head
    this.#framing = framing
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

  get body(): undefined {
    return undefined
  }

  get bodySize(): number | undefined {
    return this.#framing < 0 ? undefined : this.#framing
  }
}
