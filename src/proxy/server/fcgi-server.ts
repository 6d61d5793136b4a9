/** Carries requests to a `proto fcgi` server: headers become parameters, what the application writes a response. */
import { wallClock } from '../../clock.ts'
import { deriveEnvironment, FcgiError } from '../../fcgi/index.ts'
import type { CgiHead, EnvironmentRules, FcgiExchange } from '../../fcgi/index.ts'
import { Framing, HeaderList } from '../../http1/index.ts'
import type { RequestHead, ResponseHead } from '../../http1/index.ts'
import { formatIp } from '../../ip.ts'
import type { SampleEndpoint, Stream } from '../../sample/stream.ts'
import type { FcgiPlan } from '../plan/fcgi.ts'
import type {
  ServerConnection,
  ServerEvents,
  ServerFailure,
  ServerRequest,
  ServerTransport,
} from './server-transport.ts'
import type { Server } from './server.ts'

/** Whatever connection the client of the server uses. */
export class FcgiServer implements ServerConnection {
  readonly #server: Server
  requests = 0

  constructor(server: Server) {
    this.#server = server
  }

  begin({ head, stream }: ServerRequest, events: ServerEvents): ServerTransport | undefined {
    const plan = this.#server.backend.fcgi
    if (plan === undefined) return undefined
    this.requests++
    const expects = takeExpect(head)
    try {
      const params = deriveEnvironment(environmentRequest(stream, head), plan.app, applyRules(stream, plan))
      if (expects) events.onServerInformational({ ...continueHead, headers: new HeaderList() })
      return new FcgiTransport(events, this.#server, plan, head, params)
    } catch (error) {
      if (!(error instanceof FcgiError)) throw error
      const { logger } = this.#server.context.settings
      logger.debug({ err: error, target: head.target }, 'a request cannot be sent to an application')
      events.onServerFailed('refused', error)
      return undefined
    }
  }

  destroy(): void {}
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
    remoteAddress: addressText(source),
    remotePort: source?.port ?? 0,
    localAddress: addressText(destination),
    localPort: destination?.port ?? 0,
    tls: false,
  }
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

/** One request and its answer. */
class FcgiTransport implements ServerTransport {
  readonly reused = false
  readonly left = 0
  readonly #events: ServerEvents
  readonly #exchange: FcgiExchange
  readonly #method: string
  readonly #minor: number
  /** A head waits for the end of the turn: it leaves with the body that is there, and with its length when that is all. */
  #pending: CgiHead | undefined
  /** What came while the stream was holding, or behind a head that waits. */
  #waiting: Buffer[] = []
  #hasBody = false
  #held = false
  #ended = false
  #over = false
  #answered = false

  constructor(
    events: ServerEvents,
    server: Server,
    plan: FcgiPlan,
    head: RequestHead,
    params: Map<string, string>,
  ) {
    this.#events = events
    this.#method = head.method
    this.#minor = head.minor
    const { log } = server.context
    // Without a length the body is gathered, and the client adds it; 0 is only the default for requests without one.
    if (head.framing === Framing.Chunked) params.delete('CONTENT_LENGTH')
    this.#exchange = server.fcgi.start(
      { params, hasBody: head.framing !== 0 },
      {
        onHead: (each) => this.#onHead(each),
        onInformational: (each) => events.onServerInformational(this.#toHead(each, 0)),
        onBody: (chunk) => this.#onBody(chunk),
        onEnd: () => this.#onEnd(),
        onError: (error) => this.#onError(error),
        onDrain: () => events.onServerDrain(),
        onStderr: (text) => {
          if (plan.logTargets.length > 0) log.send(plan.logTargets, plan.model.name, 'err', text)
        },
      },
    )
  }

  get answered(): boolean {
    return this.#answered
  }

  get peer(): undefined {
    return undefined
  }

  get local(): undefined {
    return undefined
  }

  #onHead(head: CgiHead): void {
    if (this.#over) return
    this.#answered = true
    const { status } = head
    if (!head.headers.has('date')) head.headers.add('date', new Date(wallClock()).toUTCString())
    if (this.#method === 'HEAD' || status === 204 || status === 304) return this.#handOutHead(head, 0)
    this.#pending = head
    process.nextTick(() => this.#handOutPending())
  }

  /** Without a length it gets one when the body is complete, as in HAProxy, else chunks. HTTP/1.0 gets neither. */
  #handOutPending(): void {
    const head = this.#pending
    if (head === undefined || this.#over) return
    this.#pending = undefined
    if (head.contentLength !== undefined) return this.#handOutHead(head, head.contentLength)
    if (!this.#ended || this.#minor === 0) return this.#handOutHead(head, Framing.Chunked)
    const length = this.#waiting.reduce((sum, chunk) => sum + chunk.length, 0)
    head.headers.add('content-length', String(length))
    this.#handOutHead(head, length)
  }

  #handOutHead(head: CgiHead, framing: Framing): void {
    this.#hasBody = framing !== 0
    if (framing === Framing.Chunked) head.headers.add('transfer-encoding', 'chunked')
    this.#events.onServerHead(this.#toHead(head, framing), framing)
    if (!this.#held) this.#handOut()
  }

  #toHead({ status, reason, headers }: CgiHead, framing: Framing): ResponseHead {
    const minor = this.#minor === 0 ? 0 : 1
    return { minor, status, reason, headers, framing, connection: 0, upgrade: undefined }
  }

  #onBody(chunk: Buffer): boolean {
    if (this.#over) return true
    if (this.#held || this.#pending !== undefined) this.#waiting.push(chunk)
    else this.#events.onServerBody([chunk], false, undefined)
    return !this.#held
  }

  #onEnd(): void {
    this.#ended = true
    if (this.#pending === undefined) this.#endBody()
    else this.#handOutPending()
  }

  #endBody(): void {
    if (!this.#ended || this.#held || this.#over) return
    this.#over = true
    // A response without a body has ended with its head.
    if (this.#hasBody) this.#events.onServerBody([], true, undefined)
  }

  #onError(error: FcgiError): void {
    if (this.#over) return
    this.#over = true
    const why = unsendable.has(error.code) ? 'refused' : failureOf(error)
    this.#events.onServerFailed(why, error)
  }

  sendBody(pieces: readonly Buffer[], done: boolean): boolean {
    let more = true
    for (const piece of pieces) more = this.#exchange.write(piece)
    if (done) this.#exchange.end()
    return more || done
  }

  sendRaw(): boolean {
    return true
  }

  endRaw(): void {}

  flush(): void {}

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
    for (const [index, chunk] of waiting.entries()) {
      this.#events.onServerBody([chunk], false, undefined)
      if (this.#held) {
        this.#waiting = waiting.slice(index + 1)
        return
      }
    }
    this.#events.onServerPause()
    this.#endBody()
  }

  drain(): void {}

  openTunnel(): void {}

  finish(): void {
    // When the response has a length and is complete, END_REQUEST may still be on its way: the client waits for it,
    // and must be able to read it.
    this.#over = true
    if (this.#held && !this.#ended) this.#exchange.resume()
  }

  destroy(): void {
    this.#over = true
    if (!this.#ended) this.#exchange.abort()
  }
}

/** Nothing is wrong with the server: it has not been asked. */
const unsendable: ReadonlySet<string> = new Set([
  'ERR_FCGI_LENGTH_UNKNOWN',
  'ERR_FCGI_PARAM_SIZE',
  'ERR_FCGI_PARAM_VALUE',
])

function failureOf(error: FcgiError): ServerFailure {
  if (error.status === 504) return 'timeout'
  if (error.status === 503) return 'overloaded'
  return error.code === 'ERR_FCGI_CONNECTION_LOST' ? 'closed' : 'invalid'
}
