import type { Deadlines } from '../../base/deadlines.ts'
import type { Linked } from '../../base/linked-list.ts'
import type { Seated } from '../../base/roster.ts'
import { checkBytes } from '../arguments.ts'
import { ProtocolStatus } from '../codec/end-request.ts'
import type { EndRequest } from '../codec/end-request.ts'
import { stepRequest } from '../codec/state.ts'
import type { RequestEvent, RequestState } from '../codec/state.ts'
import { StderrDecoder } from '../codec/stderr.ts'
import { FcgiError } from '../errors.ts'
import { Attempts } from './attempts.ts'
import { Caller } from './caller.ts'
import type { CalledFor } from './caller.ts'
import type { Loss } from './connection-roles.ts'
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
import { refusalOf } from './refusal.ts'
import { RequestParams, unsendable } from './request-params.ts'
import { Stdin } from './stdin.ts'
import type { Sending } from './stdin.ts'
import { Stdout } from './stdout.ts'
import type { Answered } from './stdout.ts'
import { judge } from './verdict.ts'
import type { Incident, Verdict } from './verdict.ts'

/** What an exchange needs from the client. */
export interface ExchangeOwner {
  readonly options: ExchangeOptions
  readonly deadlines: Deadlines<ExchangeDeadline>
  /** Finds a connection; `error` says why it lost the last one. */
  dispatch(exchange: Exchange, error?: FcgiError): void
  /** It is over, one way or the other. */
  finished(exchange: Exchange, error: FcgiError | undefined): void
}

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
 *
 * What may come when is the table of codec/state.ts, and what comes of it that of verdict.ts; this does it. What is sent is
 * {@link Stdin}'s, what is answered {@link Stdout}'s, and how the caller is told {@link Caller}'s.
 */
export class Exchange implements FcgiExchange, Sending, Answered, CalledFor, Linked<Exchange>, Seated {
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
  /** Since the application has written to STDERR. */
  #stderr: StderrDecoder | undefined
  readonly #stdin: Stdin
  readonly #stdout: Stdout
  readonly #caller: Caller
  readonly #deadline: ExchangeDeadline
  readonly #params: RequestParams
  readonly #attempts: Attempts
  readonly #owner: ExchangeOwner

  constructor(request: ExchangeRequest, handler: ExchangeHandler, owner: ExchangeOwner) {
    const { options } = owner
    const params = new RequestParams(request)
    const caller = new Caller(handler, options.logger, this)
    const given = request.body ?? request.hasBody === true
    this.#params = params
    this.#caller = caller
    this.#owner = owner
    this.#deadline = new ExchangeDeadline(owner.deadlines)
    this.#attempts = new Attempts(params.method, options)
    this.#stdin = new Stdin(params.declaredLength, given, options, caller, this)
    this.#stdout = new Stdout(params.method, options, caller, this)
  }

  /** Begins: at once, or when the body is there. */
  start(): void {
    const caller = this.#caller
    const { body } = this.#stdin
    // As `within` does, without a function for each request.
    caller.inCall = true
    try {
      body.check()
      if (body.length !== undefined) this.#owner.dispatch(this)
    } catch (error) {
      caller.failWithin(error)
    } finally {
      caller.inCall = false
    }
  }

  get role(): number {
    return this.#params.role
  }

  get data(): Uint8Array | undefined {
    return this.#params.data
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
    return this.#attempts.takes(connection, this.#stdin.body.staysHeld(this.#owner.options.maxReplaySize))
  }

  get state(): RequestState {
    return this.#state
  }

  get connection(): FcgiConnection | undefined {
    return this.#connection
  }

  get stdinEnded(): boolean {
    return this.#state === 'sent' || this.#state === 'ending' || this.#state === 'complete'
  }

  get over(): boolean {
    return this.#state === 'complete' || this.#state === 'failed'
  }

  /** Sets the one deadline, in milliseconds: for the queue while it waits, for the response later. 0 is none. */
  arm(timeout: number, onTimeout: () => void): void {
    this.#deadline.arm(timeout, onTimeout)
  }

  touch(): void {
    this.#deadline.touch()
  }

  /** False when the table does not have it: it came too late, and changes nothing. */
  step(event: RequestEvent): boolean {
    const next = stepRequest(this.#state, event)
    if (next !== undefined) this.#state = next
    return next !== undefined
  }

  // From the caller.

  write(chunk: Uint8Array): boolean {
    checkBytes('write: the chunk', chunk)
    if (this.over || this.#stdin.body.ended || chunk.length === 0) return true
    return this.#stdin.write(chunk)
  }

  end(): void {
    if (!this.over && !this.#stdin.body.ended) this.#stdin.end()
  }

  pause(): void {
    // Nothing more comes, and END_REQUEST is not to be held up.
    if (this.#stdout.told) return
    this.#caller.paused = true
    this.#connection?.pause(this)
  }

  resume(): void {
    if (!this.#caller.paused) return
    this.#caller.paused = false
    this.touch()
    // Not at once: the caller may be in the middle of a callback.
    if (this.#caller.isBehind) process.nextTick(() => this.#catchUp())
    else this.#connection?.resume(this)
  }

  /** What stood in the record that was being read comes before the next one. */
  #catchUp(): void {
    if (this.over || this.#caller.paused || !this.#stdout.catchUp()) return
    if (!this.#caller.paused) this.#connection?.resume(this)
  }

  abort(): void {
    this.#caller.gone = true
    if (this.#close('abort')) this.#owner.finished(this, undefined)
  }

  // From the pool.

  dispatch(): void {
    this.#owner.dispatch(this)
  }

  /** Sends it on a connection that has room. */
  begin(connection: FcgiConnection): void {
    const stdin = this.#stdin
    const { length } = stdin.body
    const bodyless = length === 0
    const isKnown = connection.answered
    try {
      connection.begin(this, this.#params.withLength(length), bodyless)
    } catch (error) {
      // The connection may be in the middle of ending another request, which is to be told first.
      return this.fail(unsendable(error), true)
    }
    this.#connection = connection
    this.#attempts.begun(isKnown)
    this.step('begin')
    this.arm(this.#owner.options.responseTimeout, () => this.#onSilence())
    if (bodyless) stdin.sentWithHead()
    else stdin.sendHeld(connection)
    if (this.#caller.paused) connection.pause(this)
  }

  // From the connection.

  writable(): void {
    this.#stdin.writable()
  }

  recvStdout(bytes: Buffer, start: number, end: number): void {
    this.#heard()
    const isEnd = start === end
    const verdict = this.#judge(isEnd ? 'stdoutEnd' : 'stdout')
    this.step(isEnd ? 'recvStdoutEnd' : 'recvStdout')
    if (verdict !== 'decode') return
    this.#stdin.body.held = undefined
    this.#stdout.take(bytes, start, end)
  }

  recvStderr(content: Buffer): void {
    this.#heard()
    this.step('recvStderr')
    this.#stderr ??= new StderrDecoder()
    this.#tellStderr(this.#stderr.push(content))
  }

  #tellStderr(text: string | undefined): void {
    if (text !== undefined) this.#caller.onStderr(text, this.#owner.options.onStderr)
  }

  recvEnd(end: EndRequest): void {
    this.#heard()
    this.#left()
    const isRefused = end.protocolStatus !== ProtocolStatus.RequestComplete
    if (this.#judge(isRefused ? 'refused' : 'ended') === 'finish') return this.#finish(end)
    const refusal = refusalOf(end.protocolStatus)
    if (refusal.notRun && this.#isHeld && this.#attempts.mayFollow) this.#retry(refusal)
    else this.fail(refusal)
  }

  lost(error: FcgiError, how: Loss): void {
    this.#left()
    if (this.over) return
    const verdict = this.#judge('lost')
    if (verdict === 'finish') {
      this.#caller.hearOut()
      return this.#finishWithoutEnd()
    }
    const notRun = this.#attempts.lost(how)
    if (verdict === 'again' && this.#isHeld && this.#attempts.mayFollowLoss()) return this.#retry(error)
    this.fail(
      notRun ? new FcgiError(error.code, 'the request was not sent', { cause: error, notRun }) : error,
    )
  }

  /** The application has said something. */
  #heard(): void {
    this.#attempts.progress = 'answered'
    this.touch()
  }

  /** It is on no connection any more. */
  #left(): void {
    this.#connection = undefined
    this.#stdin.body.stop()
    if (this.#stderr === undefined) return
    this.#tellStderr(this.#stderr.end())
    this.#stderr = undefined
  }

  #judge(incident: Incident): Verdict {
    return judge(incident, this.#stdout.answer)
  }

  /** Nobody has said anything for a while; it counts when the application is the one whose turn it is. */
  #onSilence(): void {
    const { responseTimeout, timesCaller } = this.#owner.options
    const awaitsCaller = timesCaller !== true && this.#stdin.awaitsCaller
    if (this.#caller.paused || awaitsCaller) return this.#deadline.rearm()
    if (this.#judge('silence') === 'finish') return this.#finishWithoutEnd()
    this.fail(new FcgiError('ERR_FCGI_RESPONSE_TIMEOUT', `nothing for ${responseTimeout} ms`))
  }

  /** Whether all of it that was sent is still there. */
  get #isHeld(): boolean {
    return this.#stdin.body.held !== undefined
  }

  #retry(error: FcgiError): void {
    this.step('retry')
    // One that was refused may go to any: what refused it had not grown old.
    this.#attempts.again(error.code === 'ERR_FCGI_CONNECTION_LOST')
    this.#owner.dispatch(this, error)
  }

  #finishWithoutEnd(): void {
    this.step('recvStdoutEnd')
    this.#finish({ appStatus: undefined, protocolStatus: undefined })
  }

  #finish(end: FcgiEnd): void {
    if (!this.#stdout.finish()) return
    if (!this.#close(end.protocolStatus === undefined ? 'lost' : 'recvEnd')) return
    this.#owner.finished(this, undefined)
    this.#caller.onEnd(end)
  }

  /**
   * Ends it with an error, which the caller is told, and tells the application when it still works on it.
   * @param later - whether the caller is told when the calls in progress have returned.
   */
  fail(error: FcgiError, later: boolean = this.#caller.inCall): void {
    if (!this.#close('abort')) return
    this.#owner.finished(this, error)
    this.#caller.onError(error, later)
  }

  /** False when it was over already. */
  #close(event: 'abort' | 'lost' | 'recvEnd'): boolean {
    if (!this.step(event)) return false
    const connection = this.#connection
    this.#connection = undefined
    this.#stdin.body.close()
    this.#deadline.stop()
    connection?.abort(this)
    return true
  }
}
