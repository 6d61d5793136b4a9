/**
 * One request and its response, from the caller's `start` to the one callback that ends it. It knows its connection only
 * as something that takes STDIN, and survives it when the request may be sent again.
 */
import { Role } from './begin-request.ts'
import { CgiResponseDecoder } from './cgi-response.ts'
import type { CgiHead, CgiResponseSink } from './cgi-response.ts'
import type { ResolvedClientOptions } from './client-options.ts'
import type { ConnectionStream, FcgiConnection, Loss } from './connection.ts'
import { ProtocolStatus } from './end-request.ts'
import type { EndRequest } from './end-request.ts'
import { FcgiError } from './errors.ts'
import type { FcgiErrorCode } from './errors.ts'
import type { Param } from './params.ts'
import { stepRequest } from './state.ts'
import type { RequestEvent, RequestState } from './state.ts'
import { formatStderr } from './stderr.ts'

/** A request as {@link FcgiClient.start} takes it. */
export interface FcgiRequest {
  /**
   * The parameters: a Map, or pairs. CONTENT_LENGTH is added when it is missing; REQUEST_METHOD decides what may be sent
   * again and whether the response has a body.
   */
  readonly params: ReadonlyMap<string, string | Uint8Array> | readonly Param[]
  /** Whether the caller will `write` a body and `end` it. @default false */
  readonly hasBody?: boolean
  /** @default Role.Responder */
  readonly role?: number
}

/** How the application ended; undefined in both when it closed the connection instead, after a complete response. */
export interface FcgiEnd {
  readonly appStatus: number | undefined
  readonly protocolStatus: number | undefined
}

/** What a request reports. Exactly one of `onEnd` and `onError` comes, last, unless {@link FcgiExchange.abort} was called. */
export interface ExchangeHandler {
  /** Status and headers. */
  onHead(head: CgiHead): void
  /**
   * A piece of the body, in memory that is not written again. False stops the application until
   * {@link FcgiExchange.resume}; nothing more comes before.
   */
  onBody(chunk: Buffer): boolean
  /** The response is complete. */
  onEnd(end: FcgiEnd): void
  /** It failed: before or after `onHead`. */
  onError(error: FcgiError): void
  /** A 1xx head. */
  onInformational?(head: CgiHead): void
  /** {@link FcgiExchange.write} may be called again. */
  onDrain?(): void
  /** What the application writes to STDERR, see {@link formatStderr}. */
  onStderr?(text: string): void
}

/** A request in progress. */
export interface FcgiExchange {
  /**
   * Sends a piece of the request body, which must not be changed afterwards. False: wait for `onDrain`. What is written
   * after the response has ended goes nowhere.
   */
  write(chunk: Uint8Array): boolean
  /** The request body is complete. */
  end(): void
  /** Stops the response, as `onBody` does by answering false. */
  pause(): void
  resume(): void
  /** Gives up; no callback comes any more. */
  abort(): void
  /** How often it was sent so far. */
  readonly attempts: number
}

/** What an exchange needs from the client. */
export interface ExchangeOwner {
  readonly options: ResolvedClientOptions
  /** Finds a connection; `error` says why it lost the last one. */
  dispatch(exchange: Exchange, error?: FcgiError): void
  /** It is over, one way or the other. */
  finished(exchange: Exchange, error: FcgiError | undefined): void
}

const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])

const refusals = new Map<number, FcgiErrorCode>([
  [ProtocolStatus.CantMpxConn, 'ERR_FCGI_CANT_MPX_CONN'],
  [ProtocolStatus.Overloaded, 'ERR_FCGI_OVERLOADED'],
  [ProtocolStatus.UnknownRole, 'ERR_FCGI_UNKNOWN_ROLE'],
])

/** See the head of this file. */
export class Exchange implements FcgiExchange, ConnectionStream, CgiResponseSink {
  readonly role: number
  attempts = 0
  /** Whether it must not go to a connection that was idle. */
  fresh = false
  /** Addresses that were tried and failed. */
  readonly tried = new Set<string>()

  #state: RequestState = 'waiting'
  #connection: FcgiConnection | undefined
  #decoder: CgiResponseDecoder
  /** Whether a byte of STDOUT has come. */
  #begun = false
  /** What the caller has written and may be needed (again); undefined when it was let go. */
  #held: Uint8Array[] | undefined = []
  #written = 0
  /** Whether the caller has ended the body. */
  #ended: boolean
  /** CONTENT_LENGTH; undefined while the body is gathered to find it out. */
  #length: number | undefined
  #addLength = false
  #wantsDrain = false
  #paused = false
  /** Whether the caller is within one of its own calls, and should not be called back from there. */
  #inCall = true
  #timer: NodeJS.Timeout | undefined
  readonly #params: ReadonlyMap<string, string | Uint8Array> | readonly Param[]
  readonly #method: string
  readonly #handler: ExchangeHandler
  readonly #owner: ExchangeOwner

  constructor(request: FcgiRequest, handler: ExchangeHandler, owner: ExchangeOwner) {
    this.role = request.role ?? Role.Responder
    this.#params = request.params
    this.#handler = handler
    this.#owner = owner
    this.#method = textParam(request.params, 'REQUEST_METHOD') ?? 'GET'
    this.#decoder = new CgiResponseDecoder(this.#method, owner.options)
    this.#ended = request.hasBody !== true
    this.#length = this.#declaredLength()
  }

  #declaredLength(): number | undefined {
    const text = textParam(this.#params, 'CONTENT_LENGTH')
    if (text !== undefined && /^\d{1,15}$/.test(text)) return Number(text)
    this.#addLength = text === undefined
    return this.#ended ? 0 : undefined
  }

  /** Begins: at once, or when the body is there. */
  start(): void {
    if (this.#ended && this.#length !== 0) this.fail(this.#lengthError())
    else if (this.#length !== undefined) this.#owner.dispatch(this)
    this.#inCall = false
  }

  get state(): RequestState {
    return this.#state
  }

  get stdinEnded(): boolean {
    return this.#state === 'sent' || this.#state === 'ending' || this.#state === 'complete'
  }

  get #over(): boolean {
    return this.#state === 'complete' || this.#state === 'failed'
  }

  /** Arms the one timer: for the queue while it waits, for the response later. 0 arms none. */
  arm(timeout: number, onTimeout: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = timeout === 0 ? undefined : setTimeout(onTimeout, timeout)
  }

  // From the caller.

  write(chunk: Uint8Array): boolean {
    if (this.#over || this.#ended || chunk.length === 0) return true
    this.#written += chunk.length
    if (this.#length === undefined) return this.#gather(chunk)
    if (this.#written > this.#length) {
      this.#failInCall(this.#lengthError())
      return true
    }
    const connection = this.#connection
    this.#held?.push(chunk)
    if (connection === undefined) {
      this.#wantsDrain = true
      return false
    }
    this.#timer?.refresh()
    this.#step('sendStdin')
    const more = connection.sendStdin(this, chunk)
    if (!more) this.#wantsDrain = true
    return more
  }

  #gather(chunk: Uint8Array): boolean {
    const { maxUnsizedBody } = this.#owner.options
    if (this.#written > maxUnsizedBody) {
      this.#failInCall(new FcgiError('ERR_FCGI_LENGTH_UNKNOWN', `more than ${maxUnsizedBody} bytes`))
    } else this.#held?.push(chunk)
    return true
  }

  end(): void {
    if (this.#over || this.#ended) return
    this.#ended = true
    if (this.#length === undefined) {
      this.#length = this.#written
      this.#inCall = true
      this.#owner.dispatch(this)
      this.#inCall = false
    } else if (this.#written < this.#length) this.#failInCall(this.#lengthError())
    else if (this.#connection !== undefined) {
      this.#timer?.refresh()
      // Not when CONTENT_LENGTH was 0: the empty STDIN went with the head.
      if (this.#step('sendStdinEnd')) this.#connection.sendStdinEnd(this)
    }
  }

  #failInCall(error: FcgiError): void {
    this.#inCall = true
    this.fail(error)
    this.#inCall = false
  }

  #lengthError(): FcgiError {
    return new FcgiError('ERR_FCGI_REQUEST_LENGTH', `${this.#written} bytes of ${String(this.#length)}`)
  }

  pause(): void {
    this.#paused = true
    this.#connection?.block(this)
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#timer?.refresh()
    this.#connection?.unblock(this)
  }

  abort(): void {
    if (this.#close('abort')) this.#owner.finished(this, undefined)
  }

  // From the pool.

  /** Sends it on a connection that has room. */
  begin(connection: FcgiConnection): void {
    const bodyless = this.#length === 0
    try {
      connection.begin(this, this.#sentParams(), bodyless)
    } catch (error) {
      if (!(error instanceof FcgiError)) throw error
      return this.fail(error)
    }
    this.#connection = connection
    this.attempts++
    this.#step('begin')
    this.arm(this.#owner.options.responseTimeout, () => this.#onSilence())
    if (bodyless) this.#step('sendStdinEnd')
    else this.#sendHeld(connection)
    if (this.#paused) connection.block(this)
  }

  #sentParams(): Iterable<Param> {
    if (!this.#addLength) return this.#params
    return [...this.#params, ['CONTENT_LENGTH', String(this.#length)]]
  }

  #sendHeld(connection: FcgiConnection): void {
    let more = true
    for (const chunk of this.#held ?? []) more = connection.sendStdin(this, chunk)
    if (this.#ended) {
      this.#step('sendStdinEnd')
      connection.sendStdinEnd(this)
    } else if ((this.#length ?? 0) > this.#owner.options.maxReplaySize) this.#held = undefined
    if (more && this.#wantsDrain) process.nextTick(() => this.writable())
  }

  // From the connection.

  writable(): void {
    if (!this.#wantsDrain || this.#over || this.#connection === undefined) return
    this.#wantsDrain = false
    this.#timer?.refresh()
    this.#notify(() => this.#handler.onDrain?.())
  }

  recvStdout(content: Buffer): void {
    this.#timer?.refresh()
    if (content.length === 0) {
      this.#step('recvStdoutEnd')
      return
    }
    const late = this.#state === 'replied' || this.#state === 'ending'
    this.#step('recvStdout')
    if (late) return
    this.#begun = true
    this.#held = undefined
    try {
      this.#decoder.push(content, this)
    } catch (error) {
      if (!(error instanceof FcgiError)) throw error
      this.fail(error)
    }
  }

  recvStderr(content: Buffer): void {
    this.#timer?.refresh()
    this.#step('recvStderr')
    if (content.length === 0) return
    const text = formatStderr(content)
    const { onStderr } = this.#owner.options
    this.#notify(() => {
      onStderr?.(text)
      this.#handler.onStderr?.(text)
    })
  }

  recvEnd(end: EndRequest): void {
    this.#connection = undefined
    const refusal = end.protocolStatus === ProtocolStatus.RequestComplete ? undefined : this.#refusal(end)
    if (refusal === undefined || this.#begun) this.#finish(end)
    else if (refusal.notRun && this.#mayRetry(true)) this.#retry(refusal)
    else this.fail(refusal)
  }

  #refusal(end: EndRequest): FcgiError {
    const code = refusals.get(end.protocolStatus)
    if (code === undefined) return new FcgiError('ERR_FCGI_PROTOCOL_STATUS', String(end.protocolStatus))
    return new FcgiError(code, undefined, { notRun: true })
  }

  lost(error: FcgiError, how: Loss): void {
    this.#connection = undefined
    // The empty STDOUT, or the last byte of Content-Length, has come: only END_REQUEST is missing.
    if (this.#decoder.bodyDone) this.#step('recvStdoutEnd')
    if (stepRequest(this.#state, 'lost') === 'complete') {
      return this.#finish({ appStatus: undefined, protocolStatus: undefined })
    }
    const notRun = !how.sent && !this.#begun
    const safe = notRun || (how.reused && (idempotent.has(this.#method) || this.#owner.options.retryUnsafe))
    if (!this.#begun && this.#mayRetry(safe)) return this.#retry(error)
    this.fail(
      notRun ? new FcgiError(error.code, 'the request was not sent', { cause: error, notRun }) : error,
    )
  }

  #mayRetry(safe: boolean): boolean {
    return safe && this.#held !== undefined && this.attempts <= this.#owner.options.maxRetries
  }

  #retry(error: FcgiError): void {
    this.#step('retry')
    this.fresh = true
    this.#owner.dispatch(this, error)
  }

  #finish(end: FcgiEnd): void {
    try {
      this.#decoder.finish()
    } catch (error) {
      if (!(error instanceof FcgiError)) throw error
      return this.fail(error)
    }
    if (!this.#close(end.protocolStatus === undefined ? 'lost' : 'recvEnd')) return
    this.#owner.finished(this, undefined)
    this.#conclude(() => this.#handler.onEnd(end))
  }

  /** Nobody has said anything for a while; it counts when the application is the one whose turn it is. */
  #onSilence(): void {
    const awaitsCaller =
      this.#paused || (!this.#wantsDrain && (this.#state === 'sending' || this.#state === 'replied'))
    if (awaitsCaller) this.#timer?.refresh()
    else {
      const { responseTimeout } = this.#owner.options
      this.fail(new FcgiError('ERR_FCGI_RESPONSE_TIMEOUT', `nothing for ${responseTimeout} ms`))
    }
  }

  // From the decoder.

  onInformational(head: CgiHead): void {
    this.#notify(() => this.#handler.onInformational?.(head))
  }

  onHead(head: CgiHead): void {
    this.#notify(() => this.#handler.onHead(head))
  }

  onBody(chunk: Buffer): void {
    this.#notify(() => {
      if (!this.#handler.onBody(chunk)) this.pause()
    })
  }

  /** Ends it with an error, which the handler is told, and tells the application when it still works on it. */
  fail(error: FcgiError): void {
    if (!this.#close('abort')) return
    this.#owner.finished(this, error)
    const tell = () => this.#conclude(() => this.#handler.onError(error))
    if (this.#inCall) process.nextTick(tell)
    else tell()
  }

  /** False when it was over already. */
  #close(event: 'abort' | 'lost' | 'recvEnd'): boolean {
    if (!this.#step(event)) return false
    const connection = this.#connection
    this.#connection = undefined
    this.#held = undefined
    clearTimeout(this.#timer)
    connection?.abort(this)
    return true
  }

  /** False when the table does not have it: it came too late, and changes nothing. */
  #step(event: RequestEvent): boolean {
    const next = stepRequest(this.#state, event)
    if (next !== undefined) this.#state = next
    return next !== undefined
  }

  /** Runs a callback while the request goes on. One that throws costs its own request and nothing else. */
  #notify(callback: () => void): void {
    if (this.#over) return
    try {
      callback()
    } catch (error) {
      this.#logThrown(error)
      this.fail(new FcgiError('ERR_FCGI_ABORTED', 'a callback threw', { cause: error }))
    }
  }

  /** Runs the callback that ends it. */
  #conclude(callback: () => void): void {
    try {
      callback()
    } catch (error) {
      this.#logThrown(error)
    }
  }

  #logThrown(error: unknown): void {
    this.#owner.options.logger.error({ err: error }, 'fcgi: a callback threw')
  }
}

function textParam(
  params: ReadonlyMap<string, string | Uint8Array> | readonly Param[],
  name: string,
): string | undefined {
  const value = 'get' in params ? params.get(name) : params.findLast((each) => each[0] === name)?.[1]
  return typeof value === 'object' ? Buffer.from(value).toString('latin1') : value
}
