/** Carries requests to a `proto fcgi` server: headers become parameters, what the application writes a response. */
import type { Socket } from 'node:net'
import { httpDate, turnTime } from '../../base/clock.ts'
import type { ExchangeHandler } from '../../fcgi/client/exchange-types.ts'
import { FcgiMux } from '../../fcgi/client/mux.ts'
import type { MuxExchange, MuxOwner } from '../../fcgi/client/mux.ts'
import { deriveParams } from '../../fcgi/codec/environment.ts'
import type { ParamList } from '../../fcgi/codec/param-list.ts'
import { paramNames } from '../../fcgi/codec/param-name.ts'
import { FcgiError } from '../../fcgi/index.ts'
import type { CgiHead, EnvironmentRules } from '../../fcgi/index.ts'
import { Framing, HeaderList } from '../../http1/index.ts'
import type { Liveness, RequestHead, ResponseHead } from '../../http1/index.ts'
import { keep } from '../../base/lent.ts'
import type { Lent } from '../../base/lent.ts'
import { formatIp } from '../../net/ip.ts'
import type { SampleEndpoint, Stream } from '../../sample/stream.ts'
import type { FcgiPlan } from '../plan/fcgi.ts'
import { localEndpoint, remoteEndpoint } from '../wire/addresses.ts'
import { Deadline } from '../../base/deadline.ts'
import type { FcgiOptions } from './fcgi-options.ts'
import { idleTimeout } from './idle-pool.ts'
import type {
  OwnConnections,
  ServerConnection,
  ServerEvents,
  ServerFailure,
  ServerRequest,
  ServerTransport,
} from './server-transport.ts'
import type { Server } from './server.ts'
import type { Waiting, Worker } from './worker-shortage.ts'

/**
 * A connection to a `proto fcgi` server. Of one that does not multiplex, which are nearly all, this is the life:
 *
 *   idle ──begin──▶ busy ──END_REQUEST──▶ idle      when the application keeps it
 *                     └─────────────────▶ closed    else, and when the request was given up
 *
 * With `option mpxs-conns` a busy one takes further requests as long as it has `room`.
 */
export class FcgiServer implements ServerConnection, MuxOwner, Worker {
  /** Applications close when they like; HAProxy takes all for `safe` (`fcgi_detach`, src/mux_fcgi.c). */
  readonly safe = true
  seat = -1
  // Of the shortage of workers.
  previous: Worker | undefined
  next: Worker | undefined
  idle = false
  waiting: Waiting | undefined
  requests = 0
  /** Looking at the socket tells nothing of what an application will do. */
  readonly restedAt = 0
  readonly recalls = false
  readonly #server: Server
  readonly #socket: Socket
  readonly #mux: FcgiMux
  readonly #idle = new Deadline(() => this.destroy())
  /** Requests that wait for all that was read to be told. */
  readonly #behind: FcgiTransport[] = []
  /** Of the last request. */
  #own: OwnConnections | undefined

  constructor(socket: Socket, server: Server, options: FcgiOptions) {
    this.#server = server
    this.#socket = socket
    this.#mux = new FcgiMux(socket, `${server.backend.model.name}/${server.name}`, options, this)
  }

  get room(): number {
    return this.#mux.room
  }

  get answered(): boolean {
    return this.#mux.answered
  }

  /** See {@link FcgiMux.liveness}. */
  get liveness(): Liveness {
    return this.#mux.liveness
  }

  begin({ head, stream, own }: ServerRequest, events: ServerEvents): ServerTransport | undefined {
    const { fcgi: plan } = this.#server.backend
    this.#idle.disarm()
    this.#own = own
    this.requests++
    if (this.requests === 1) this.#server.workers.begun(this)
    else this.#server.workers.left(this)
    const expects = takeExpect(head)
    try {
      // A backend without `use-fcgi-app` is refused when it is loaded.
      if (plan === undefined) throw new FcgiError('ERR_FCGI_ABORTED', 'the backend has no application')
      const params = deriveParams(environmentRequest(stream, head), plan.app, applyRules(stream, plan))
      if (expects) events.onServerInformational({ ...continueHead, headers: new HeaderList() })
      const kept = this.requests > 1
      return new FcgiTransport(
        events,
        { server: this.#server, mux: this.#mux, socket: this.#socket, kept, behind: this.#behind },
        plan,
        head,
        params,
      )
    } catch (error) {
      if (!(error instanceof FcgiError)) throw error
      const { logger } = this.#server.context.settings
      logger.debug({ err: error, target: head.target }, 'a request cannot be sent to an application')
      this.#settle()
      events.onServerFailed('refused', error)
      return undefined
    }
  }

  destroy(): void {
    this.#forget()
    // The end of a request that is answered may never come.
    this.#mux.setIdle(true)
    this.#mux.close()
  }

  // From the connection.

  released(): void {
    this.#settle()
  }

  read(): void {
    while (this.#behind.length > 0) this.#behind.shift()?.onRead()
  }

  closed(mux: FcgiMux): void {
    this.#forget()
    // As PHP did before version 5.3.
    const { fcgi } = this.#server
    if (mux.refusedValues && fcgi !== undefined) this.#server.fcgi = { ...fcgi, getValues: false }
  }

  /** A request has ended, or was not begun. */
  #settle(): void {
    // What it can do may be told after the request that asked: it is kept already then.
    if (this.#mux.room === 0 || this.#idle.armed) return
    if (this.#mux.active > 0) this.#server.pool.share(this)
    else if (this.#server.workers.rested(this) && this.#server.keep(this, this.#own))
      this.#idle.arm(idleTimeout, turnTime())
    else this.destroy()
  }

  #forget(): void {
    this.#idle.stop()
    this.#server.workers.closed(this)
    this.#server.pool.drop(this)
    this.#own?.drop(this.#server, this)
  }
}

/**
 * Applications know nothing of `Expect: 100-continue`, and the client would wait for its answer. Takes the header away,
 * and answers whether it was there: whoever has waited for the body before has removed it.
 */
function takeExpect({ expectsContinue, framing, headers }: RequestHead): boolean {
  if (!expectsContinue || framing === 0 || !headers.has('expect')) return false
  headers.delete('expect')
  return true
}

const continueHead = {
  minor: 1,
  status: 100,
  reason: 'Continue',
  framing: 0,
  connection: 0,
  upgrade: undefined,
} as const

function environmentRequest({ source, destination }: Stream, head: RequestHead) {
  return {
    method: head.method,
    target: head.target,
    version: head.minor === 0 ? 'HTTP/1.0' : 'HTTP/1.1',
    headers: head.headers,
    // As HAProxy has it for a unix socket.
    remoteAddress: isUnix(source) ? 'unix' : addressText(source),
    remotePort: portOf(source),
    localAddress: addressText(destination),
    localPort: portOf(destination),
    tls: false,
  }
}

function isUnix(endpoint: SampleEndpoint | undefined): boolean {
  return endpoint?.address.length === 0
}

function portOf(endpoint: SampleEndpoint | undefined): number {
  return endpoint === undefined || isUnix(endpoint) ? 0 : endpoint.port
}

function addressText(endpoint: SampleEndpoint | undefined): string {
  return endpoint === undefined || endpoint.address.length === 0 ? '' : formatIp(endpoint.address)
}

function applyRules(stream: Stream, plan: FcgiPlan): EnvironmentRules {
  if (plan.rules.length === 0) return {}
  const passHeaders = new Set<string>()
  const setParams: [string, string][] = []
  for (const { condition, name, format } of plan.rules) {
    if (condition !== undefined && !condition(stream)) continue
    if (format === undefined) passHeaders.add(name.toLowerCase())
    else setParams.push([name, format(stream)])
  }
  return { passHeaders, setParams }
}

/** Where a request goes. */
interface Carrier {
  readonly server: Server
  readonly mux: FcgiMux
  readonly socket: Socket
  /** Whether it has carried others. */
  readonly kept: boolean
  /** Who is to be told when all that was read has been told. */
  readonly behind: FcgiTransport[]
}

/** One request and its answer. */
class FcgiTransport implements ServerTransport, ExchangeHandler {
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
  #waiting: Buffer[] = []
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
    this.#events.onServerInformational(this.#toHead(head, 0))
  }

  onDrain(): void {
    this.#events.onServerDrain()
  }

  onStderr(text: string): void {
    const { logTargets, model } = this.#plan
    if (logTargets.length > 0) this.#server.context.log.send(logTargets, model.name, 'err', text)
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
    if (!this.#held) this.#handOut()
  }

  #toHead({ status, reason, headers }: CgiHead, framing: Framing): ResponseHead {
    const minor = this.#minor === 0 ? 0 : 1
    return { minor, status, reason, headers, framing, connection: 0, upgrade: undefined }
  }

  onBody(chunk: Buffer): boolean {
    if (this.#over) return true
    if (this.#held || this.#pending !== undefined) this.#waiting.push(chunk)
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

  #endBody(pieces: readonly Buffer[] = []): void {
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
    for (const piece of pieces) more = this.#exchange.write(keep(piece))
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
      this.#events.onServerBody([chunk], false, undefined)
      if (this.#held) {
        this.#waiting = waiting.slice(index + 1)
        return
      }
    }
  }

  drain(): void {}

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
