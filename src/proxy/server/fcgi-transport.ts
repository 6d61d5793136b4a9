import { Buffer } from 'node:buffer'
import { httpDate } from '../../base/clock.ts'
import { keep, lookAt } from '../../base/lent.ts'
import type { Lent } from '../../base/lent.ts'
import type { ExchangeHandler } from '../../fcgi/client/exchange-types.ts'
import type { FcgiMux, MuxExchange } from '../../fcgi/client/mux.ts'
import type { ParamList } from '../../fcgi/codec/param-list.ts'
import { paramNames } from '../../fcgi/codec/param-name.ts'
import type { CgiHead, FcgiError } from '../../fcgi/index.ts'
import { Framing } from '../../http1/index.ts'
import type { RequestHead, ResponseHead } from '../../http1/index.ts'
import type { SampleEndpoint } from '../../sample/stream.ts'
import type { Socket } from 'node:net'
import type { FcgiPlan } from '../plan/fcgi.ts'
import { localEndpoint, remoteEndpoint } from '../wire/addresses.ts'
import type { ServerEvents, ServerFailure, ServerTransport } from './server-transport.ts'
import type { Server } from './server.ts'

/** Where a request goes. */
export interface Carrier {
  readonly server: Server
  readonly mux: FcgiMux
  readonly socket: Socket
  /** Whether it has carried others. */
  readonly kept: boolean
  /** Who is to be told when all that was read has been told. */
  readonly behind: FcgiTransport[]
}

/**
 * One request and its answer. A head waits for what was read with it, and then knows its length if that was all:
 *
 *   awaited ──onHead──▶ pending ──onRead, onEnd──▶ flowing ──last byte──▶ over
 *
 * What has no body is handed out at once. `hold` stops it in any of these.
 */
export class FcgiTransport implements ServerTransport, ExchangeHandler {
  readonly left = 0
  readonly mayRefuse = true
  unsent = false
  readonly #events: ServerEvents
  readonly #exchange: MuxExchange
  readonly #server: Server
  readonly #socket: Socket
  readonly #kept: boolean
  readonly #behind: FcgiTransport[]
  readonly #method: string
  readonly #minor: number
  /** A head waits for what was read with it: it leaves with the body that is there, and with its length when that is all. */
  #pending: CgiHead | undefined
  /** What came while the stream was holding, or behind a head that waits. */
  #waiting: Lent[] = []
  #hasBody = false
  #held = false
  /** Whether all of the request was sent, and all of the answer has come. */
  #requestDone: boolean
  readonly #plan: FcgiPlan
  #ended = false
  /** Whether the stream has parted from it. */
  #parted = false
  /** Whether there is nothing more to tell of the answer. */
  #over = false

  constructor(
    events: ServerEvents,
    { server, mux, socket, kept, behind }: Carrier,
    plan: FcgiPlan,
    head: RequestHead,
    params: ParamList,
  ) {
    this.#events = events
    this.#method = head.method
    this.#minor = head.minor
    this.#server = server
    this.#socket = socket
    this.#kept = kept
    this.#behind = behind
    this.#requestDone = head.framing === 0
    // Whatever rules have made of the header: an application would read another body.
    params.set(paramNames.contentLength, String(head.framing))
    this.#plan = plan
    this.#exchange = mux.start({ params, hasBody: head.framing !== 0 }, this)
  }

  /** Old versions of PHP close over GET_VALUES, which counts as a request. */
  get reused(): boolean {
    return this.#kept || this.#exchange.reused
  }

  get answered(): boolean {
    return this.#exchange.progress === 'answered'
  }

  get peer(): SampleEndpoint | undefined {
    return this.#server.unix ?? remoteEndpoint(this.#socket)
  }

  get local(): SampleEndpoint | undefined {
    return this.#server.unix ?? localEndpoint(this.#socket)
  }

  // From the application.

  onInformational(head: CgiHead): void {
    if (!this.#parted) this.#events.onServerInformational(this.#toHead(head, 0))
  }

  onDrain(): void {
    if (!this.#parted) this.#events.onServerDrain()
  }

  onStderr(text: string): void {
    const { logTargets, model } = this.#plan
    if (logTargets.length === 0) return
    // Lines of a log have one character for each byte.
    const line = Buffer.from(text).toString('latin1')
    this.#server.context.log.send(logTargets, model.name, 'err', line)
  }

  onHead(head: CgiHead): void {
    if (this.#over) return
    const { status } = head
    if (this.#method === 'HEAD' || status === 204 || status === 304) return this.#handOutHead(head, 0)
    this.#pending = head
    this.#behind.push(this)
  }

  /** All that came with the head, or with the end of the body, has been told. */
  onRead(): void {
    if (this.#pending === undefined) this.#endBody()
    else this.#handOutPending()
  }

  /** Without a length it gets one when the body is complete, as in HAProxy, else chunks. HTTP/1.0 gets neither. */
  #handOutPending(): void {
    const head = this.#pending
    if (head === undefined || this.#over) return
    this.#pending = undefined
    if (head.contentLength !== undefined) return this.#handOutHead(head, head.contentLength)
    if (!this.#ended || this.#minor === 0) return this.#handOutHead(head, Framing.Chunked)
    this.#handOutHead(head, this.#waitingSize)
  }

  get #waitingSize(): number {
    let size = 0
    for (const chunk of this.#waiting) size += chunk.length
    return size
  }

  completeHead({ headers }: ResponseHead): void {
    if (!headers.has('date')) headers.add('date', httpDate())
  }

  #handOutHead(head: CgiHead, framing: Framing): void {
    this.#hasBody = framing !== 0
    this.#events.onServerHead(this.#toHead(head, framing), framing)
    if (this.#held) this.#waiting = this.#waiting.map(keep)
    else this.#handOut()
  }

  #toHead({ status, reason, headers }: CgiHead, framing: Framing): ResponseHead {
    const minor = this.#minor === 0 ? 0 : 1
    return { minor, status, reason, headers, framing, connection: 0, upgrade: undefined }
  }

  /** Behind a head that waits it is lent until `onRead`, as everything that was read with it. */
  onBody(chunk: Lent): boolean {
    if (this.#over) return true
    if (this.#held) this.#waiting.push(keep(chunk))
    else if (this.#pending !== undefined) this.#waiting.push(chunk)
    else this.#events.onServerBody([chunk], false, undefined)
    return !this.#held
  }

  /** Told when what came with it has been read: END_REQUEST may be there, and the connection free for the next request. */
  onBodyEnd(): void {
    this.#ended = true
    if (this.#pending === undefined) this.#behind.push(this)
  }

  onEnd(): void {
    this.#ended = true
    if (this.#pending === undefined) this.#endBody()
    else this.#handOutPending()
    // The rest of the request goes nowhere, and nothing else would ask for it.
    if (!this.#requestDone && !this.#parted) this.#events.onServerDrain()
  }

  #endBody(pieces: readonly Lent[] = []): void {
    if (!this.#ended || this.#held || this.#over) return
    this.#over = true
    // A response without a body has ended with its head.
    if (this.#hasBody) this.#events.onServerBody(pieces, true, undefined)
  }

  onError(error: FcgiError): void {
    // What there is of a response that is cut short is the client's, as with HAProxy and nginx.
    if (
      cuts.has(error.code) &&
      this.#waitingSize < (this.#pending?.contentLength ?? Number.POSITIVE_INFINITY)
    )
      this.#handOutPending()
    if (this.#over) return
    this.#over = true
    this.unsent = error.notRun
    const isCut = this.#hasBody && cuts.has(error.code)
    const why = unsendable.has(error.code) ? 'refused' : isCut ? 'closed' : failureOf(error)
    this.#events.onServerFailed(why, error)
  }

  // From the stream.

  sendBody(pieces: readonly Lent[], done: boolean): boolean {
    let more = true
    for (const piece of pieces) more = this.#exchange.write(lookAt(piece))
    if (done) this.#exchange.end()
    this.#requestDone ||= done
    return more || done
  }

  sendRaw(): boolean {
    return true
  }

  endRaw(): void {}

  hold(): void {
    this.#held = true
    this.#exchange.pause()
  }

  release(): void {
    if (!this.#held) return
    this.#held = false
    if (this.#pending === undefined) this.#handOut()
    if (!this.#held && !this.#ended) this.#exchange.resume()
  }

  #handOut(): void {
    const waiting = this.#waiting
    this.#waiting = []
    if (this.#ended) return this.#endBody(waiting)
    for (const [index, chunk] of waiting.entries()) {
      // The stream may have given it up over its head, and have asked another server.
      if (this.#over) return
      this.#events.onServerBody([chunk], false, undefined)
      if (this.#held) {
        this.#waiting = waiting.slice(index + 1).map(keep)
        return
      }
    }
  }

  drain(): void {
    const waiting = this.#waiting
    if (this.#over || !this.#hasBody || (waiting.length === 0 && !this.#ended)) return
    this.#waiting = []
    this.#over = this.#ended
    this.#events.onServerBody(waiting, this.#ended, undefined)
  }

  openTunnel(): void {}

  finish(): void {
    // The application may still work; the connection is kept when END_REQUEST comes.
    this.#over = this.#parted = true
    if (this.#held && !this.#ended) this.#exchange.resume()
  }

  destroy(): void {
    this.#over = this.#parted = true
    // What still works on behind its answer, or is to work for nobody, ends when it ends.
    const letsWork = this.#requestDone && (this.#ended || !this.#plan.model.abortRequest)
    if (!letsWork) this.#exchange.abort()
    else if (this.#held && !this.#ended) this.#exchange.resume()
  }
}

/** Nothing is wrong with the server: it has not been asked. */
const unsendable: ReadonlySet<string> = new Set([
  'ERR_FCGI_LENGTH_UNKNOWN',
  'ERR_FCGI_PARAM_SIZE',
  'ERR_FCGI_PARAM_VALUE',
])

/** They say that a response has less than it should; the former also that it has more. */
const cuts: ReadonlySet<string> = new Set(['ERR_FCGI_RESPONSE_LENGTH', 'ERR_FCGI_CONNECTION_LOST'])

function failureOf(error: FcgiError): ServerFailure {
  if (error.code === 'ERR_FCGI_CONNECTION_LOST') return 'closed'
  if (error.status === 504) return 'timeout'
  if (error.code === 'ERR_FCGI_OVERLOADED') return 'overloaded'
  return error.status === 503 ? 'declined' : 'invalid'
}
