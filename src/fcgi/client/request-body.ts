import { FcgiError } from '../errors.ts'

/** A request body at the client: how long it is, and the pieces of it that are not sent or may have to be sent again. */
export class RequestBody {
  /** Whether the parameters lack CONTENT_LENGTH. */
  readonly unsized: boolean
  /** Whether the caller has ended it. */
  ended: boolean
  /** What may have to be sent; undefined when it was let go, and the request can be sent once only. */
  held: Uint8Array[] | undefined = []
  #length: number | undefined
  #written = 0
  /** Whether the caller has given all of it at once, and so has it in memory anyhow. */
  readonly #whole: boolean

  /**
   * @param declared - CONTENT_LENGTH of the parameters.
   * @param given - the whole body, or whether the caller will write one.
   */
  constructor(declared: string | undefined, given: Uint8Array | boolean) {
    this.unsized = declared === undefined
    this.ended = given !== true
    this.#whole = this.ended
    if (given instanceof Uint8Array && given.length > 0) this.held = [given]
    this.#written = given instanceof Uint8Array ? given.length : 0
    if (declared === undefined) this.#length = this.ended ? this.#written : undefined
    else this.#length = /^\d{1,15}$/.test(declared) ? Number(declared) : Number.NaN
  }

  /** Bytes, as CONTENT_LENGTH says or will say; undefined while they are gathered to be counted. */
  get length(): number | undefined {
    return this.#length
  }

  /**
   * Before anything is sent.
   * @throws FcgiError `ERR_FCGI_REQUEST_LENGTH` when CONTENT_LENGTH is no number, or there is no body for it.
   */
  check(): void {
    if (Number.isNaN(this.#length)) throw new FcgiError('ERR_FCGI_REQUEST_LENGTH', 'it is not a number')
    if (this.ended && this.#length !== this.#written) this.#refuse()
  }

  /**
   * Takes a piece.
   * @throws FcgiError `ERR_FCGI_REQUEST_LENGTH`, `ERR_FCGI_LENGTH_UNKNOWN`
   */
  push(chunk: Uint8Array, maxUnsizedBody: number): void {
    this.#written += chunk.length
    if (this.#length === undefined && this.#written > maxUnsizedBody) {
      throw new FcgiError('ERR_FCGI_LENGTH_UNKNOWN', `more than ${maxUnsizedBody} bytes`)
    }
    if (this.#length !== undefined && this.#written > this.#length) this.#refuse()
    this.held?.push(chunk)
  }

  /**
   * The caller has written all of it.
   * @throws FcgiError `ERR_FCGI_REQUEST_LENGTH`
   */
  end(): void {
    this.ended = true
    this.#length ??= this.#written
    if (this.#written < this.#length) this.#refuse()
  }

  /** What was held has been sent: it is kept when that costs nothing, or little. */
  sent(maxReplaySize: number): void {
    if (!this.#whole && (this.#length ?? 0) > maxReplaySize) this.held = undefined
  }

  #refuse(): never {
    throw new FcgiError('ERR_FCGI_REQUEST_LENGTH', `${this.#written} bytes of ${String(this.#length)}`)
  }
}
