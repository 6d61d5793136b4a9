import { Buffer } from 'node:buffer'
import { Readable } from 'node:stream'
import { onAbort } from '../../base/on-abort.ts'
import type { HeaderList } from '../../http1/index.ts'
import type { CgiHead } from '../codec/cgi-response.ts'
import { FcgiError } from '../errors.ts'
import type {
  ExchangeHandler,
  FcgiEnd,
  FcgiExchange,
  FcgiRequest,
  FcgiRequestInit,
} from './exchange-types.ts'
import { takeInit } from './request.ts'

/** A response whose head is there. */
export interface FcgiResponse {
  /** As the application says; when it does not, 302 with a Location and else 200. */
  readonly status: number
  /** What stands behind the status; may be empty. */
  readonly reason: string
  /** All but Status. */
  readonly headers: HeaderList
  /** What Content-Length says, when a body follows. */
  readonly contentLength: number | undefined
  /** Read it to its end, or destroy it. */
  readonly body: Readable
  /**
   * How the application ended: with the body's end, or later, when it works on behind its response. Rejects when the
   * request fails.
   */
  readonly ended: Promise<FcgiEnd>
}

/** What starts exchanges. */
export interface ExchangeStarter {
  start(request: FcgiRequest, handler: ExchangeHandler): FcgiExchange
}

/** The convenient face of an exchange: a promise for the head, a stream for the body. */
export class PendingResponse implements ExchangeHandler {
  readonly promise: Promise<FcgiResponse>
  readonly #init: FcgiRequestInit
  #exchange: FcgiExchange | undefined
  #resolve!: (response: FcgiResponse) => void // the promise sets these two at once
  #reject!: (error: unknown) => void
  #body: BodyStream | undefined
  #settleEnd!: { resolve: (end: FcgiEnd) => void; reject: (error: Error) => void } // likewise
  readonly #ended: Promise<FcgiEnd>
  #over = false
  /** Whether all of the response is here, though the application may still work. */
  #bodyEnded = false
  #onDrain: (() => void) | undefined
  #stopBody: (() => void) | undefined
  #forgetSignal: (() => void) | undefined

  /** @throws UsageError `ERR_SLUICE_OPTION` */
  constructor(starter: ExchangeStarter, init: FcgiRequestInit) {
    this.#init = takeInit(init)
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.#ended = new Promise((resolve, reject) => {
      this.#settleEnd = { resolve, reject }
    })
    // Who does not ask for it must not be brought down by it.
    this.#ended.catch(() => {})
    try {
      this.#start(starter)
    } catch (error) {
      this.#refuse(error)
    }
  }

  /** It was never begun: nobody else would end the stream of its body. */
  #refuse(error: unknown): void {
    this.#reject(error)
    if (this.#init.body instanceof Readable) destroyQuietly(this.#init.body)
  }

  #start(starter: ExchangeStarter): void {
    const { body, data, signal, params, role } = this.#init
    if (signal?.aborted === true) return this.#refuse(abortError(signal))
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    const whole = bytes instanceof Uint8Array ? { body: bytes } : { hasBody: bytes !== undefined }
    const file = typeof data === 'string' ? Buffer.from(data) : data
    const request = { params, ...whole, data: file, ...(role === undefined ? {} : { role }) }
    const exchange = starter.start(request, this)
    this.#exchange = exchange
    if (signal !== undefined) this.#forgetSignal = onAbort(signal, () => this.#giveUp(abortError(signal)))
    if (bytes !== undefined && !(bytes instanceof Uint8Array)) void this.#sendBody(exchange, bytes)
  }

  async #sendBody(exchange: FcgiExchange, body: AsyncIterable<Uint8Array | string>): Promise<void> {
    this.#stopBody = () => {
      // A stream ends at once; an iterator that is waiting for its source ends after that.
      if (body instanceof Readable) destroyQuietly(body)
    }
    try {
      for await (const chunk of body) {
        if (this.#over) return
        const more = exchange.write(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
        if (!more && !this.#over) await this.#drained()
        if (this.#over) return
      }
      this.#stopBody = undefined
      exchange.end()
    } catch (error) {
      if (this.#over) return
      this.#giveUp(new FcgiError('ERR_FCGI_REQUEST_BODY', undefined, { cause: error }))
    }
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#onDrain = resolve
    })
  }

  #giveUp(error: FcgiError): void {
    this.#exchange?.abort()
    this.onError(error)
  }

  onInformational(head: CgiHead): void {
    this.#init.onInformational?.(head)
  }

  onStderr(text: string): void {
    this.#init.onStderr?.(text)
  }

  onHead(head: CgiHead): void {
    const { status, reason, headers, contentLength } = head
    const body = new BodyStream(
      () => this.#exchange?.resume(),
      (error) => {
        if (this.#over || this.#bodyEnded) return
        this.#exchange?.abort()
        this.#finish()
        this.#settleEnd.reject(error ?? new FcgiError('ERR_FCGI_ABORTED', 'the body was destroyed'))
        this.#stopBody?.()
      },
    )
    this.#body = body
    this.#resolve({ status, reason, headers, contentLength, body, ended: this.#ended })
  }

  onBody(chunk: Buffer): boolean {
    return this.#body?.push(chunk) ?? true
  }

  onBodyEnd(): void {
    this.#bodyEnded = true
    this.#body?.push(null)
  }

  onDrain(): void {
    const resolve = this.#onDrain
    this.#onDrain = undefined
    resolve?.()
  }

  onEnd(end: FcgiEnd): void {
    this.#finish()
    this.#settleEnd.resolve(end)
    if (!this.#bodyEnded) this.#body?.push(null)
    this.#stopBody?.()
  }

  onError(error: FcgiError): void {
    this.#finish()
    this.#settleEnd.reject(error)
    this.#reject(error)
    if (!this.#bodyEnded) this.#body?.destroy(error)
    this.#stopBody?.()
  }

  #finish(): void {
    this.#over = true
    this.#forgetSignal?.()
    this.onDrain()
  }
}

/** The response body: pulls by letting the exchange go on. */
class BodyStream extends Readable {
  readonly #onRead: () => void
  readonly #onDestroy: (error: Error | null) => void

  constructor(onRead: () => void, onDestroy: (error: Error | null) => void) {
    super({ highWaterMark: 65_536 })
    this.#onRead = onRead
    this.#onDestroy = onDestroy
    // Who has not begun to read yet finds the error then, and is not brought down by it before.
    this.on('error', () => {})
  }

  override _read(): void {
    this.#onRead()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#onDestroy(error)
    callback(error)
  }
}

/** The `destroy` of somebody else's class may throw: that is not the response's matter. */
function destroyQuietly(stream: Readable): void {
  try {
    stream.destroy()
  } catch {
    // Whoever wrote it has the stream, and can see what it did.
  }
}

function abortError(signal: AbortSignal): FcgiError {
  return new FcgiError('ERR_FCGI_ABORTED', undefined, { cause: signal.reason })
}
