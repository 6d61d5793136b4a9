/** Carries a request to a `proto fcgi` server: its headers become parameters, what the application writes a response. */
import { wallClock } from '../../clock.ts'
import { deriveEnvironment, FcgiError } from '../../fcgi/index.ts'
import type { CgiHead, EnvironmentRules, FcgiExchange } from '../../fcgi/index.ts'
import { Framing, HeaderList } from '../../http1/index.ts'
import type { RequestHead, ResponseHead } from '../../http1/index.ts'
import { formatIp } from '../../ip.ts'
import type { HttpStream } from '../stream/http-stream.ts'
import { errorReply } from '../stream/reply.ts'
import type { Server } from './server.ts'
import type { ServerFailure, ServerTransport } from './server-transport.ts'
import type { FcgiPlan } from '../plan/fcgi.ts'

/**
 * Sends the head of the request. Undefined: the request cannot be one for an application, and the stream was answered.
 */
export function openFcgiTransport(stream: HttpStream, server: Server): ServerTransport | undefined {
  const { head } = stream
  const plan = server.backend.plan.fcgi
  if (head === undefined || plan === undefined) return undefined
  const expects = takeExpect(head)
  try {
    const params = deriveEnvironment(environmentRequest(stream, head), plan.app, applyRules(stream, plan))
    if (expects) stream.onServerInformational({ ...continueHead, headers: new HeaderList() })
    return new FcgiTransport(stream, server, plan, head, params)
  } catch (error) {
    if (!(error instanceof FcgiError)) throw error
    refuse(stream, server, error)
    return undefined
  }
}

/** The request cannot be one for an application: that is the client's fault, and it is told. */
function refuse(stream: HttpStream, server: Server, error: FcgiError): void {
  const { logger } = server.backend.proxy.settings
  logger.debug({ err: error, target: stream.head?.target }, 'a request cannot be sent to an application')
  stream.stage = 'R'
  stream.reply(errorReply(error.status, stream), 'P')
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

function environmentRequest(stream: HttpStream, head: RequestHead) {
  const { source, destination } = stream
  return {
    method: head.method,
    target: head.target,
    version: head.minor === 0 ? 'HTTP/1.0' : 'HTTP/1.1',
    headers: head.headers,
    remoteAddress: source === undefined ? '' : formatIp(source.address),
    remotePort: source?.port ?? 0,
    localAddress: destination === undefined ? '' : formatIp(destination.address),
    localPort: destination?.port ?? 0,
    tls: false,
  }
}

function applyRules(stream: HttpStream, plan: FcgiPlan): EnvironmentRules {
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

class FcgiTransport implements ServerTransport {
  readonly reused = false
  readonly #stream: HttpStream
  readonly #server: Server
  readonly #exchange: FcgiExchange
  readonly #method: string
  readonly #minor: number
  /** A head waits for the end of the turn: it leaves with the body that is there, and with its length when that is all. */
  #pending: CgiHead | undefined
  /** What came while the stream was holding, or behind a head that waits. */
  #waiting: Buffer[] = []
  #held = false
  #ended = false
  #over = false

  constructor(
    stream: HttpStream,
    server: Server,
    plan: FcgiPlan,
    head: RequestHead,
    params: Map<string, string>,
  ) {
    this.#stream = stream
    this.#server = server
    this.#method = head.method
    this.#minor = head.minor
    const { log } = server.backend.proxy
    // Without a length the body is gathered, and the client adds it; 0 is only the default for requests without one.
    if (head.framing === Framing.Chunked) params.delete('CONTENT_LENGTH')
    this.#exchange = server.fcgi.start(
      { params, hasBody: head.framing !== 0 },
      {
        onHead: (each) => this.#onHead(each),
        onInformational: (each) => stream.onServerInformational(this.#toHead(each, 0)),
        onBody: (chunk) => this.#onBody(chunk),
        onEnd: () => this.#onEnd(),
        onError: (error) => this.#onError(error),
        onDrain: () => stream.onServerDrain(),
        onStderr: (text) => {
          if (plan.logTargets.length > 0) log.send(plan.logTargets, plan.model.name, 'err', text)
        },
      },
    )
  }

  get peer(): undefined {
    return undefined
  }

  get local(): undefined {
    return undefined
  }

  #onHead(head: CgiHead): void {
    if (this.#over) return
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
    if (framing === Framing.Chunked) head.headers.add('transfer-encoding', 'chunked')
    this.#stream.onServerHead(this.#toHead(head, framing), framing)
    if (!this.#held) this.#handOut()
  }

  #toHead({ status, reason, headers }: CgiHead, framing: Framing): ResponseHead {
    const minor = this.#minor === 0 ? 0 : 1
    return { minor, status, reason, headers, framing, connection: 0, upgrade: undefined }
  }

  #onBody(chunk: Buffer): boolean {
    if (this.#over) return true
    if (this.#held || this.#pending !== undefined) this.#waiting.push(chunk)
    else this.#stream.onServerBody([chunk], false, undefined)
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
    if (!this.#stream.over) this.#stream.onServerBody([], true, undefined)
  }

  #onError(error: FcgiError): void {
    if (this.#over) return
    this.#over = true
    if (unsendable.has(error.code)) return refuse(this.#stream, this.#server, error)
    this.#stream.onServerFailed(failureOf(error), error)
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
      this.#stream.onServerBody([chunk], false, undefined)
      if (this.#held) {
        this.#waiting = waiting.slice(index + 1)
        return
      }
    }
    this.#stream.onServerPause()
    this.#endBody()
  }

  tunnel(): void {}

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
