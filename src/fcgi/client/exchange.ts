import type { Deadlines } from '../../base/deadlines.ts'
import { errorMessage } from '../../base/errors.ts'
import type { Linked } from '../../base/linked-list.ts'
import type { Seated } from '../../base/roster.ts'
import { checkBytes } from '../arguments.ts'
import { CgiResponseDecoder } from '../codec/cgi-response.ts'
import type { CgiHead, CgiResponseSink } from '../codec/cgi-response.ts'
import { ProtocolStatus } from '../codec/end-request.ts'
import type { EndRequest } from '../codec/end-request.ts'
import { stepRequest } from '../codec/state.ts'
import type { RequestEvent, RequestState } from '../codec/state.ts'
import { formatStderr } from '../codec/stderr.ts'
import { FcgiError } from '../errors.ts'
import type { FcgiErrorCode } from '../errors.ts'
import { Attempts } from './attempts.ts'
import type { ConnectionStream, Loss } from './connection-roles.ts'
import type { FcgiConnection } from './connection.ts'
import { ExchangeDeadline } from './exchange-deadline.ts'
import type {
  ExchangeHandler,
  ExchangeRequest,
  FcgiEnd,
  FcgiExchange,
  FcgiProgress,
} from './exchange-types.ts'
import type { ExchangeOptions } from './options.ts'
import { RequestBody } from './request-body.ts'
import type { BodyEvents } from './request-body.ts'
import { RequestParams } from './request-params.ts'

/** What an exchange needs from the client. */
export interface ExchangeOwner {
  readonly options: ExchangeOptions
  readonly deadlines: Deadlines<ExchangeDeadline>
  /** Finds a connection; `error` says why it lost the last one. */
  dispatch(exchange: Exchange, error?: FcgiError): void
  /** It is over, one way or the other. */
  finished(exchange: Exchange, error: FcgiError | undefined): void
}

const refusals = new Map<number, FcgiErrorCode>([
  [ProtocolStatus.CantMpxConn, 'ERR_FCGI_CANT_MPX_CONN'],
  [ProtocolStatus.Overloaded, 'ERR_FCGI_OVERLOADED'],
  [ProtocolStatus.UnknownRole, 'ERR_FCGI_UNKNOWN_ROLE'],
])

/** Who finds connections for it, of those that a client may ask. */
export interface ExchangeHome {
  readonly name: string
  dispatch(exchange: Exchange): void
  /** It is over. */
  forget(exchange: Exchange): void
}

/**
 * One request and its response, from the caller's `start` to the one callback that ends it. It knows its connection only
 * as something that takes STDIN, and survives it when the request may be sent again.
 */
export class Exchange
  implements FcgiExchange, ConnectionStream, CgiResponseSink, BodyEvents, Linked<Exchange>, Seated
{
  previous: Exchange | undefined
  next: Exchange | undefined
  id = 0
  seat = -1
  /** None yet while its body is gathered. */
  home: ExchangeHome | undefined
  /** Whether it stands in a queue; whoever puts it there says so. */
  queued = false
  #state: RequestState = 'waiting'
  #connection: FcgiConnection | undefined
  #decoder: CgiResponseDecoder
  /** Whether a byte of STDOUT has come. */
  #begun = false
  /** Whether the caller was told that the response is complete. What the application still writes goes nowhere. */
  #bodyEnded = false
  /** The caller has given it up. */
  #aborted = false
  readonly #body: RequestBody
  #wantsDrain = false
  #paused = false
  /** Whether the caller is within one of its own calls, and should not be called back from there. */
  #inCall = false
  readonly #deadline: ExchangeDeadline
  readonly #params: RequestParams
  readonly #attempts: Attempts
  readonly #handler: ExchangeHandler
  readonly #owner: ExchangeOwner

  constructor(request: ExchangeRequest, handler: ExchangeHandler, owner: ExchangeOwner) {
    const params = new RequestParams(request)
    this.#params = params
    this.#handler = handler
    this.#owner = owner
    this.#deadline = new ExchangeDeadline(owner.deadlines)
    this.#attempts = new Attempts(params.method, owner.options)
    this.#decoder = new CgiResponseDecoder(params.method, owner.options)
    this.#body = new RequestBody(params.declaredLength, request.body ?? request.hasBody === true, this)
  }

  /** Begins: at once, or when the body is there. */
  start(): void {
    // As `#inCallOf` does, without a function for each request.
    this.#inCall = true
    try {
      this.#body.check()
      if (this.#body.length !== undefined) this.#owner.dispatch(this)
    } catch (error) {
      this.#failInCall(error)
    } finally {
      this.#inCall = false
    }
  }

  get role(): number {
    return this.#params.role
  }

  get attempts(): number {
    return this.#attempts.count
  }

  get progress(): FcgiProgress {
    return this.#attempts.progress
  }

  /** Whether its connection had been in use before it. */
  get reused(): boolean {
    return this.#attempts.reused
  }

  /** Addresses that were tried and failed. */
  get tried(): Set<string> {
    return this.#attempts.tried
  }

  /** Whether a connection may carry it: {@link Attempts.takes}. */
  takes(connection: FcgiConnection): boolean {
    return this.#attempts.takes(connection, this.#body.staysHeld(this.#owner.options.maxReplaySize))
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

  /** Sets the one deadline, in milliseconds: for the queue while it waits, for the response later. 0 is none. */
  arm(timeout: number, onTimeout: () => void): void {
    this.#deadline.arm(timeout, onTimeout)
  }

  // From the caller.

  write(chunk: Uint8Array): boolean {
    checkBytes('write: the chunk', chunk)
    if (this.#over || this.#body.ended || chunk.length === 0) return true
    const gathering = this.#body.length === undefined
    let more = true
    this.#inCallOf(() => (more = this.#body.push(chunk, this.#owner.options)))
    if (this.#over) return true
    if (!gathering) {
      this.#deadline.touch()
      this.#step('sendStdin')
      more = this.#connection?.sendStdin(this, chunk) ?? false
    }
    if (!more) this.#wantsDrain = true
    return more
  }

  end(): void {
    if (this.#over || this.#body.ended) return
    const gathered = this.#body.length === undefined
    this.#inCallOf(() => {
      this.#body.end()
      if (gathered) this.#body.gathered(() => this.#dispatch())
    })
    this.#deadline.touch()
    if (!gathered) this.#sendEnd()
  }

  /** A file may be whole when nobody wants it any more. */
  #dispatch(): void {
    if (!this.#over) this.#owner.dispatch(this)
  }

  #sendEnd(): void {
    // Not when CONTENT_LENGTH is 0: the empty STDIN went with the head. Nor twice: some applications close over it.
    if (!this.#step('sendStdinEnd')) return
    this.#connection?.sendStdinEnd(this)
    this.#sendData()
  }

  /** All of it is at hand, so that it can be sent again. */
  #sendData(): void {
    const { data } = this.#params
    if (data !== undefined) this.#connection?.sendData(this, data)
  }

  /** The caller is not called back from within its own calls; what they throw is told a turn later. */
  #inCallOf(action: () => void): void {
    this.#inCall = true
    try {
      action()
    } catch (error) {
      this.#failInCall(error)
    } finally {
      this.#inCall = false
    }
  }

  #failInCall(error: unknown): void {
    if (!(error instanceof FcgiError)) throw error
    this.fail(error)
  }

  pause(): void {
    // Nothing more comes, and END_REQUEST is not to be held up.
    if (this.#bodyEnded) return
    this.#paused = true
    this.#connection?.pause(this)
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#deadline.touch()
    this.#connection?.resume(this)
  }

  abort(): void {
    this.#aborted = true
    if (this.#close('abort')) this.#owner.finished(this, undefined)
  }

  // From the pool.

  /** Sends it on a connection that has room. */
  begin(connection: FcgiConnection): void {
    const bodyless = this.#body.length === 0
    const isKnown = connection.answered
    try {
      connection.begin(this, this.#params.withLength(this.#body.length), bodyless)
    } catch (error) {
      // The connection may be in the middle of ending another request, which is to be told first.
      return this.fail(unsendable(error), true)
    }
    this.#connection = connection
    this.#attempts.begun(isKnown)
    this.#step('begin')
    this.arm(this.#owner.options.responseTimeout, () => this.#onSilence())
    if (bodyless) {
      this.#step('sendStdinEnd')
      this.#sendData()
    } else this.#sendHeld(connection)
    if (this.#paused) connection.pause(this)
  }

  #sendHeld(connection: FcgiConnection): void {
    const body = this.#body
    let more = true
    for (const chunk of body.held ?? []) more = connection.sendStdin(this, chunk)
    const isFile = body.sendFile({
      onPiece: (piece) => this.#sendPiece(connection, piece),
      onEnd: () => this.#sendEnd(),
    })
    if (body.ended && !isFile) this.#sendEnd()
    body.sent(this.#owner.options.maxReplaySize)
    if (more && this.#wantsDrain) process.nextTick(() => this.writable())
  }

  #sendPiece(connection: FcgiConnection, piece: Buffer): boolean {
    this.#deadline.touch()
    this.#step('sendStdin')
    return connection.sendStdin(this, piece)
  }

  // From the file.

  onRoom(): void {
    this.writable()
  }

  onFailed(error: FcgiError): void {
    this.fail(error)
  }

  // From the connection.

  writable(): void {
    if (this.#over) return
    this.#body.resume()
    const gathers = this.#state === 'waiting' && !this.#body.ended
    if (!this.#wantsDrain || (this.#connection === undefined && !gathers)) return
    this.#wantsDrain = false
    this.#deadline.touch()
    this.#notify(() => this.#handler.onDrain?.())
  }

  recvStdout(bytes: Buffer, start: number, end: number): void {
    this.#attempts.progress = 'answered'
    this.#deadline.touch()
    if (start === end) {
      this.#step('recvStdoutEnd')
      // One that refuses a request may say so behind it.
      if (this.#begun) this.#decode(undefined, 0, 0)
      return
    }
    const late = this.#bodyEnded || this.#state === 'replied' || this.#state === 'ending'
    this.#step('recvStdout')
    if (late) return
    this.#begun = true
    this.#body.held = undefined
    this.#decode(bytes, start, end)
  }

  /** Without bytes it is the end. The response may be complete then. */
  #decode(bytes: Buffer | undefined, start: number, end: number): void {
    const decoder = this.#decoder
    try {
      if (bytes === undefined) decoder.finish()
      else decoder.push(bytes, this, start, end)
    } catch (error) {
      if (!(error instanceof FcgiError)) throw error
      return this.fail(error)
    }
    if (this.#bodyEnded || !decoder.bodyDone) return
    this.#bodyEnded = true
    this.resume()
    this.#notify(() => this.#handler.onBodyEnd?.())
  }

  recvStderr(content: Buffer): void {
    this.#attempts.progress = 'answered'
    this.#deadline.touch()
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
    this.#body.stop()
    this.#attempts.progress = 'answered'
    const refusal = end.protocolStatus === ProtocolStatus.RequestComplete ? undefined : this.#refusal(end)
    if (refusal === undefined || this.#begun) this.#finish(end)
    else if (refusal.notRun && this.#isHeld && this.#attempts.mayFollow) this.#retry(refusal)
    else this.fail(refusal)
  }

  #refusal(end: EndRequest): FcgiError {
    const code = refusals.get(end.protocolStatus)
    if (code === undefined) return new FcgiError('ERR_FCGI_PROTOCOL_STATUS', String(end.protocolStatus))
    return new FcgiError(code, undefined, { notRun: true })
  }

  lost(error: FcgiError, how: Loss): void {
    this.#connection = undefined
    this.#body.stop()
    if (this.#over) return
    // The empty STDOUT, or the last byte of Content-Length, has come: only END_REQUEST is missing.
    if (this.#decoder.bodyDone || stepRequest(this.#state, 'lost') === 'complete') {
      return this.#finishWithoutEnd()
    }
    const notRun = this.#attempts.lost(how)
    if (!this.#begun && this.#isHeld && this.#attempts.mayFollowLoss()) return this.#retry(error)
    this.fail(
      notRun ? new FcgiError(error.code, 'the request was not sent', { cause: error, notRun }) : error,
    )
  }

  #finishWithoutEnd(): void {
    this.#step('recvStdoutEnd')
    this.#finish({ appStatus: undefined, protocolStatus: undefined })
  }

  /** Whether all of it that was sent is still there. */
  get #isHeld(): boolean {
    return this.#body.held !== undefined
  }

  #retry(error: FcgiError): void {
    this.#step('retry')
    // One that was refused may go to any: what refused it had not grown old.
    this.#attempts.again(error.code === 'ERR_FCGI_CONNECTION_LOST')
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
      this.#paused ||
      (!this.#wantsDrain && !this.#body.ended && (this.#state === 'sending' || this.#state === 'replied'))
    if (awaitsCaller) this.#deadline.rearm()
    else if (this.#decoder.bodyDone) this.#finishWithoutEnd()
    else {
      const { responseTimeout } = this.#owner.options
      this.fail(new FcgiError('ERR_FCGI_RESPONSE_TIMEOUT', `nothing for ${responseTimeout} ms`))
    }
  }

  // From the decoder.

  onInformational(head: CgiHead): void {
    this.#notify(() => this.#handler.onInformational?.(head))
  }

  // These two without a function for each, since every response has them.

  onHead(head: CgiHead): void {
    if (this.#over) return
    try {
      this.#handler.onHead(head)
    } catch (error) {
      this.#threw(error)
    }
  }

  onBody(chunk: Buffer): void {
    if (this.#over) return
    try {
      if (!this.#handler.onBody(chunk)) this.pause()
    } catch (error) {
      this.#threw(error)
    }
  }

  /**
   * Ends it with an error, which the handler is told, and tells the application when it still works on it.
   * @param later - whether the handler is told when the calls in progress have returned.
   */
  fail(error: FcgiError, later: boolean = this.#inCall): void {
    if (!this.#close('abort')) return
    this.#owner.finished(this, error)
    const tell = () => this.#conclude(() => this.#handler.onError(error))
    // Who has given it up meanwhile is told nothing.
    if (later) process.nextTick(() => this.#aborted || tell())
    else tell()
  }

  /** False when it was over already. */
  #close(event: 'abort' | 'lost' | 'recvEnd'): boolean {
    if (!this.#step(event)) return false
    const connection = this.#connection
    this.#connection = undefined
    this.#body.close()
    this.#deadline.stop()
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
      this.#threw(error)
    }
  }

  #threw(error: unknown): void {
    this.#logThrown(error)
    this.fail(new FcgiError('ERR_FCGI_ABORTED', 'a callback threw', { cause: error }))
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

/** Parameters that were changed after they were given may throw anything. */
function unsendable(error: unknown): FcgiError {
  if (error instanceof FcgiError) return error
  return new FcgiError('ERR_FCGI_PARAM_VALUE', errorMessage(error), { cause: error })
}
