import { keep } from '../../base/lent.ts'
import { SpoolFile } from '../../base/spool-file.ts'
import type { SpoolSink } from '../../base/spool-file.ts'
import { FcgiError } from '../errors.ts'

/** How much of a body without a length is gathered, in bytes. */
export interface UnsizedLimits {
  readonly maxUnsizedBody: number
  readonly unsizedBodyMemory: number
}

/** Is told, never from within a call, what becomes of a body that waits in a file. */
export interface BodyEvents {
  /** `push` may be called again after it has answered false. */
  onRoom(): void
  onFailed(error: FcgiError): void
}

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
  /** What of a gathered body is not `held`, but comes behind it. */
  #file: SpoolFile | undefined
  readonly #events: BodyEvents
  /** Whether the caller has given all of it at once, and so has it in memory anyhow. */
  readonly #whole: boolean

  /**
   * @param declared - CONTENT_LENGTH of the parameters.
   * @param given - the whole body, or whether the caller will write one.
   */
  constructor(declared: string | undefined, given: Uint8Array | boolean, events: BodyEvents) {
    this.#events = events
    this.unsized = declared === undefined
    this.ended = given !== true
    this.#whole = this.ended
    if (given instanceof Uint8Array && given.length > 0) this.held = [given]
    this.#written = given instanceof Uint8Array ? given.length : 0
    if (declared === undefined) this.#length = this.ended ? this.#written : undefined
    else if (declared === '0') this.#length = 0
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
   * Takes a piece. False: it is gathered in a file, and there is no room for more until `onRoom`.
   * @throws FcgiError `ERR_FCGI_REQUEST_LENGTH`, `ERR_FCGI_LENGTH_UNKNOWN`
   */
  push(chunk: Uint8Array, limits: UnsizedLimits): boolean {
    this.#written += chunk.length
    if (this.#length === undefined) return this.#gather(chunk, limits)
    if (this.#written > this.#length) this.#refuse()
    this.held?.push(keep(chunk))
    return true
  }

  #gather(chunk: Uint8Array, { maxUnsizedBody, unsizedBodyMemory }: UnsizedLimits): boolean {
    if (this.#written > maxUnsizedBody) {
      throw new FcgiError('ERR_FCGI_LENGTH_UNKNOWN', `more than ${maxUnsizedBody} bytes`)
    }
    if (this.#file === undefined && this.#written <= unsizedBodyMemory) this.held?.push(keep(chunk))
    else return (this.#file ??= this.#openFile()).add(keep(chunk))
    return true
  }

  #openFile(): SpoolFile {
    return new SpoolFile({
      onRoom: () => this.#events.onRoom(),
      onFailed: (cause) => {
        this.#events.onFailed(new FcgiError('ERR_FCGI_REQUEST_BODY', cause.message, { cause }))
      },
    })
  }

  /** Calls back when all that was gathered can be sent: at once, or later. */
  gathered(then: () => void): void {
    if (this.#file === undefined) then()
    else this.#file.finish(then)
  }

  /** Whether some of it waits in a file. */
  get isSpooled(): boolean {
    return this.#file !== undefined
  }

  /** Sends what waits in the file, from its beginning. */
  sendFile(sink: SpoolSink): void {
    this.#file?.sendTo(sink)
  }

  /** The connection takes more of the file. */
  resume(): void {
    this.#file?.resume()
  }

  /** The connection has gone. */
  stop(): void {
    this.#file?.stop()
  }

  /** Nobody needs any of it any more. */
  close(): void {
    this.held = undefined
    this.#file?.close()
    this.#file = undefined
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

  /** Whether what was sent of it is kept: when that costs nothing, or little. */
  staysHeld(maxReplaySize: number): boolean {
    const costsNothing = this.#whole || this.#file !== undefined
    return this.held !== undefined && (costsNothing || (this.#length ?? 0) <= maxReplaySize)
  }

  /** What was held has been sent. */
  sent(maxReplaySize: number): void {
    if (!this.staysHeld(maxReplaySize)) this.held = undefined
  }

  #refuse(): never {
    throw new FcgiError('ERR_FCGI_REQUEST_LENGTH', `${this.#written} bytes of ${String(this.#length)}`)
  }
}
