/** {@link phpFpm} for `(request, response)` of node:http, and for the frameworks that hand these out. */
import { Buffer } from 'node:buffer'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { HeaderList } from '../../http1/index.ts'
import type { HeaderName } from '../../http1/index.ts'
import type { ExchangeHandler, FcgiExchange } from '../client/exchange-types.ts'
import type { CgiHead } from '../codec/cgi-response.ts'
import { FcgiError } from '../errors.ts'
import { errorAnswer } from './gateway.ts'
import type { ErrorAnswer, PhpGateway } from './gateway.ts'
import { redirectTo } from './mounted.ts'
import type { Mounted } from './mounted.ts'
import type { GatewayRequest, RunDecision } from './parameters.ts'
import type { Decision } from './try-files.ts'

/** A request that parsers of bodies may have read already. */
type ParsedRequest = IncomingMessage & { readonly body?: unknown }

/** Answers what was decided, but for `other`. Resolves when the response is over; never rejects. */
export function answerNode(
  gateway: PhpGateway,
  decision: Exclude<Decision, { kind: 'other' }>,
  request: IncomingMessage,
  response: ServerResponse,
  mounted: Mounted,
): Promise<void> {
  return new Promise((resolve) => {
    if (isGone(response)) return resolve()
    response.once('close', resolve)
    if (decision.kind === 'run') return new NodeRun(gateway, request, response).start(decision, mounted)
    if (decision.kind === 'status') return sendAnswer(response, errorAnswer(decision.status))
    response.setHeader('Location', redirectTo(mounted.base, decision.location))
    sendAnswer(response, errorAnswer(301))
  })
}

/** That of HTTP/2 does not say it itself. */
function isGone(response: ServerResponse): boolean {
  const { stream } = response as { stream?: { readonly destroyed: boolean } }
  return response.destroyed || stream?.destroyed === true
}

function sendAnswer(response: ServerResponse, { status, text }: ErrorAnswer): void {
  response.statusCode = status
  response.setHeader('Content-Type', 'text/plain')
  response.setHeader('Content-Length', Buffer.byteLength(text))
  response.end(text)
}

/** One request that a script runs: its body goes out as it comes in, and so does the response. */
class NodeRun implements ExchangeHandler {
  readonly #gateway: PhpGateway
  readonly #request: ParsedRequest
  readonly #response: ServerResponse
  #hasWritten = false
  /** Whether nothing of the request body is to be sent any more. */
  #isSent = true
  /** Whether the response is complete. */
  #isDone = false

  constructor(gateway: PhpGateway, request: IncomingMessage, response: ServerResponse) {
    this.#gateway = gateway
    this.#request = request
    this.#response = response
  }

  start(decision: RunDecision, mounted: Mounted): void {
    try {
      this.#start(decision, mounted)
    } catch (error) {
      this.#fail(error)
    }
  }

  #start(decision: RunDecision, mounted: Mounted): void {
    const request = this.#request
    const described = describe(request, mounted)
    const params = this.#gateway.parameters(described, decision, request)
    const parsed = described.body === 'none' ? undefined : parsedBody(request)
    if (parsed !== undefined) params.set('CONTENT_LENGTH', String(parsed.length))
    const streams = described.body !== 'none' && parsed === undefined
    const exchange = this.#gateway.client.start({ params, body: parsed, hasBody: streams }, this)
    this.#response.once('close', () => this.#isDone || exchange.abort())
    this.#response.on('drain', () => exchange.resume())
    if (streams) this.#sendBody(exchange)
  }

  #sendBody(exchange: FcgiExchange): void {
    const request = this.#request
    this.#isSent = false
    request.on('data', (chunk: Buffer) => {
      if (!exchange.write(chunk)) request.pause()
    })
    request.on('end', () => {
      this.#isSent = true
      exchange.end()
    })
  }

  onDrain(): void {
    this.#request.resume()
  }

  /** Of these a client knows what to do with 103 alone. Hints that Node.js refuses are no reason to refuse the response. */
  onInformational({ status, headers }: CgiHead): void {
    const link = headers.all('link')
    if (status !== 103 || link.length === 0) return
    try {
      this.#response.writeEarlyHints({ link })
    } catch {
      // The client does without them.
    }
  }

  onHead({ status, reason, headers }: CgiHead): void {
    const response = this.#response
    for (const [name, value] of fieldsOf(headers)) response.setHeader(name, value)
    response.statusCode = status
    if (reason !== '') this.#setReason(reason)
    // A script that sends its head and works on is not waited for; one that writes has the head leave with that.
    process.nextTick(() => {
      if (!this.#hasWritten && !response.writableEnded && !response.destroyed) response.flushHeaders()
    })
  }

  /** HTTP/2 has none, and Node.js warns of it. */
  #setReason(reason: string): void {
    if (this.#request.httpVersionMajor < 2) this.#response.statusMessage = reason
  }

  onBody(chunk: Buffer): boolean {
    this.#hasWritten = true
    return this.#response.write(chunk)
  }

  /**
   * The client may ask the next thing while the script works on. Not before the request is sent: Node.js throws away what comes
   * of it behind its response, and the script would wait for it.
   */
  onBodyEnd(): void {
    if (!this.#isSent) return
    this.#isDone = true
    this.#response.end()
  }

  onEnd(): void {
    this.#isDone = true
    this.#response.end()
    // What a script did not wait for is still read, or the client's next request would not be.
    this.#request.resume()
  }

  onError(error: FcgiError): void {
    this.#fail(error)
  }

  #fail(error: unknown): void {
    const response = this.#response
    const answer = this.#gateway.failed(error, this.#request)
    this.#request.resume()
    if (isGone(response) || this.#isDone) return
    // What was written leaves at the end of the turn: the client is to see that there is a response, and that it is cut.
    if (response.headersSent) return process.nextTick(() => response.destroy())
    for (const name of response.getHeaderNames()) response.removeHeader(name)
    this.#setReason('')
    sendAnswer(response, answer)
  }
}

/** Fields with their values, one entry a name: what came several times has an array. */
function fieldsOf(headers: HeaderList): Iterable<readonly [string, string | string[]]> {
  const fields = new Map<string, readonly [string, string | string[]]>()
  headers.pairs.forEach(([name, value], at) => {
    const { key } = headers.fields[at] as HeaderName // one for each pair
    const before = fields.get(key)?.[1]
    if (before === undefined) fields.set(key, [name, value])
    else fields.set(key, [name, [...(typeof before === 'string' ? [before] : before), value]])
  })
  return fields.values()
}

function describe(request: IncomingMessage, { whole, base }: Mounted): GatewayRequest {
  const { method = 'GET', socket, httpVersion } = request
  const headers = headersOf(request)
  return {
    method,
    target: whole,
    version: `HTTP/${httpVersion}`,
    headers,
    remoteAddress: socket.remoteAddress ?? '',
    remotePort: socket.remotePort ?? 0,
    localAddress: socket.localAddress ?? '',
    localPort: socket.localPort ?? 0,
    tls: (socket as Partial<TLSSocket>).encrypted === true,
    base,
    body: bodyOf(request, headers),
  }
}

function headersOf({ rawHeaders, headers: { ':authority': authority } }: IncomingMessage): HeaderList {
  const headers = new HeaderList()
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name, value] = rawHeaders.slice(at, at + 2) as [string, string] // at + 1 < length
    if (!name.startsWith(':')) headers.add(name, value)
  }
  // What HTTP/2 has for it.
  if (typeof authority === 'string' && !headers.has('host')) headers.add('Host', authority)
  return headers
}

function bodyOf(request: IncomingMessage, headers: HeaderList): GatewayRequest['body'] {
  if (headers.has('transfer-encoding')) return 'unsized'
  // Of HTTP/2, where a head says that nothing is behind it, and a body needs no length.
  const { stream } = request as { stream?: { readonly endAfterHeaders?: boolean } }
  if (stream?.endAfterHeaders === false && !headers.has('content-length')) return 'unsized'
  return Number(headers.get('content-length') ?? 0) > 0 ? 'sized' : 'none'
}

/**
 * What a parser of bodies has left; undefined while the body is still to be read.
 * @throws FcgiError `ERR_FCGI_BODY_READ` when there is nothing left of it.
 */
function parsedBody(request: ParsedRequest): Buffer | undefined {
  if (!request.readableEnded && !request.readableDidRead) return undefined
  const { body } = request
  if (body instanceof Uint8Array) return Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  if (typeof body === 'string') return Buffer.from(body)
  throw new FcgiError('ERR_FCGI_BODY_READ')
}
