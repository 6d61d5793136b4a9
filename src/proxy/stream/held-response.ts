/** What came of a response's body before its head was sent: rules look at it meanwhile. */
import type { Lent } from '../../base/lent.ts'
import type { HeaderList } from '../../http1/index.ts'
import { BodyBuffer } from './body-buffer.ts'

/** Where it goes once the rules are through. */
export interface ResponseSink {
  sendBody(pieces: readonly Lent[], done: boolean, trailers: HeaderList | undefined): boolean
}

/** One per response. */
export class HeldResponse {
  #buffer: BodyBuffer | undefined
  #done = false
  #trailers: HeaderList | undefined

  /** Whether the whole body is here. */
  get complete(): boolean {
    return this.#done
  }

  get size(): number {
    return this.#buffer?.size ?? 0
  }

  get bytes(): Buffer | undefined {
    return this.#buffer?.bytes
  }

  add(pieces: readonly Lent[], done: boolean, trailers: HeaderList | undefined): void {
    if (pieces.length > 0) (this.#buffer ??= new BodyBuffer()).add(pieces)
    this.#done = done
    this.#trailers = trailers
  }

  /** Hands it on; answers whether there is room for more. */
  sendTo(sink: ResponseSink): boolean {
    const pieces = this.#buffer?.pieces ?? []
    this.#buffer = undefined
    return pieces.length === 0 && !this.#done ? true : sink.sendBody(pieces, this.#done, this.#trailers)
  }
}
