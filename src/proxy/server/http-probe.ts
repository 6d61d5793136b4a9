/** The request of `option httpchk`, over HTTP/1 and over FastCGI, and what the answer is worth. */
import { Buffer } from 'node:buffer'
import type { CheckExpect } from '../plan/health-check.ts'
import { createFcgiClient, deriveEnvironment, FcgiError } from '../../fcgi/index.ts'
import type { FcgiApp, FcgiClient } from '../../fcgi/index.ts'
import { BodyDecoder, formatHead, HeaderList, parseResponseHead, responseFraming } from '../../http1/index.ts'
import { dial } from '../../net/dial.ts'
import type { Dialling } from '../../net/dial.ts'
import type { Endpoint } from '../../net/endpoint.ts'
import type { CheckRequest } from '../plan/health-check.ts'
import { createSocket } from '../wire/socket-options.ts'
import type { CheckResult } from './health-lines.ts'

/** As much of an answer is looked at, and no more is read: HAProxy's `tune.bufsize`. */
const maxAnswer = 16_384

/** What came of a request. */
export type ProbeOutcome =
  | { readonly kind: 'answer'; readonly status: number; readonly reason: string; readonly body: Buffer }
  /** No connection; without an error it took too long. */
  | { readonly kind: 'unconnected'; readonly error: Error | undefined }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'invalid'; readonly why: string }

/** A request that is on its way. */
export interface Probe {
  cancel(): void
}

/** Asks an HTTP/1 server. `onOutcome` is called once, and not when it was cancelled. */
export function probeHttp(
  endpoint: Endpoint,
  check: CheckRequest,
  timeout: number,
  onOutcome: (outcome: ProbeOutcome) => void,
): Probe {
  return new HttpProbe(endpoint, check, timeout, onOutcome)
}

class HttpProbe implements Probe {
  readonly #check: CheckRequest
  readonly #onOutcome: (outcome: ProbeOutcome) => void
  readonly #dialling: Dialling
  readonly #timer: NodeJS.Timeout
  #bytes = Buffer.alloc(0)
  #end: (() => void) | undefined

  constructor(
    endpoint: Endpoint,
    check: CheckRequest,
    timeout: number,
    onOutcome: (outcome: ProbeOutcome) => void,
  ) {
    this.#check = check
    this.#onOutcome = onOutcome
    this.#timer = setTimeout(() => this.#finish({ kind: 'timeout' }), timeout)
    this.#dialling = dial(
      endpoint,
      { create: createSocket, timeout },
      {
        onConnected: (socket) => {
          this.#end = () => socket.destroy()
          socket.on('error', (error) => this.#finish({ kind: 'invalid', why: error.message }))
          socket.on('data', (chunk: Buffer) => this.#take(chunk, false))
          socket.on('end', () => this.#take(Buffer.alloc(0), true))
          socket.write(requestText(check))
        },
        onFailed: (why, error) =>
          this.#finish({ kind: 'unconnected', error: why === 'timeout' ? undefined : error }),
      },
    )
  }

  #take(chunk: Buffer, ended: boolean): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    const full = ended || this.#bytes.length >= maxAnswer
    try {
      const outcome = readAnswer(this.#bytes, this.#check.method, full)
      if (outcome !== undefined) this.#finish(outcome)
      else if (full) this.#finish({ kind: 'invalid', why: 'an incomplete response' })
    } catch (error) {
      this.#finish({ kind: 'invalid', why: (error as Error).message }) // of the parser
    }
  }

  #finish(outcome: ProbeOutcome): void {
    this.cancel()
    this.#onOutcome(outcome)
  }

  cancel(): void {
    clearTimeout(this.#timer)
    // Its callbacks come in a later turn, or not at all: it is there.
    this.#dialling.cancel()
    this.#end?.()
  }
}

/** Methods that say nothing of a body that they do not have. */
const bodyless = new Set(['GET', 'HEAD', 'OPTIONS', 'DELETE'])

function requestText({ method, uri, version, headers, body }: CheckRequest): Buffer {
  const fields = HeaderList.from(headers)
  const hasBody = body !== '' || !bodyless.has(method)
  if (hasBody && !fields.has('content-length')) {
    fields.add('content-length', String(Buffer.byteLength(body, 'latin1')))
  }
  if (version !== 'HTTP/1.0' && !fields.has('connection')) fields.add('connection', 'close')
  return Buffer.from(formatHead(`${method} ${uri} ${version}`, fields) + body, 'latin1')
}

/** Undefined while more must come. */
function readAnswer(bytes: Buffer, method: string, full: boolean): ProbeOutcome | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = parseResponseHead(bytes, 0, end + 4)
  const decoder = new BodyDecoder()
  decoder.reset(responseFraming(head, method))
  decoder.push(bytes, end + 4)
  const pieces: Buffer[] = []
  for (let piece = decoder.next(); piece !== undefined; piece = decoder.next()) pieces.push(piece)
  if (!decoder.done && !full) return undefined
  return { kind: 'answer', status: head.status, reason: head.reason, body: Buffer.concat(pieces) }
}

/** Asks FastCGI servers: one client for all checks of a server, one connection for each of them. */
export class FcgiProber {
  readonly #client: FcgiClient
  readonly #app: FcgiApp

  constructor(endpoint: Endpoint, app: FcgiApp, timeout: number) {
    this.#app = app
    this.#client = createFcgiClient({
      endpoint,
      keepConn: false,
      connectTimeout: timeout,
      responseTimeout: timeout,
      maxRetries: 0,
    })
  }

  /** Never rejects. */
  async ask({ method, uri, version, headers, body }: CheckRequest): Promise<ProbeOutcome> {
    try {
      const request = {
        method,
        target: uri,
        version,
        headers: HeaderList.from(headers),
        remoteAddress: '',
        remotePort: 0,
        localAddress: '',
        localPort: 0,
        tls: false,
        bodySize: Buffer.byteLength(body, 'latin1'),
      }
      const params = deriveEnvironment(request, this.#app)
      const response = await this.#client.request({ params, body: Buffer.from(body, 'latin1') })
      const pieces: Buffer[] = []
      let size = 0
      for await (const piece of response.body as AsyncIterable<Buffer>) {
        pieces.push(piece)
        size += piece.length
        if (size >= maxAnswer) break
      }
      const { status, reason } = response
      return { kind: 'answer', status, reason, body: Buffer.concat(pieces).subarray(0, maxAnswer) }
    } catch (error) {
      return outcomeOf(error)
    }
  }

  close(): void {
    this.#client.destroy()
  }
}

function outcomeOf(error: unknown): ProbeOutcome {
  const { code, cause, message } = error as FcgiError
  if (code === 'ERR_FCGI_CONNECT_TIMEOUT') return { kind: 'unconnected', error: undefined }
  if (code === 'ERR_FCGI_CONNECT') {
    return { kind: 'unconnected', error: cause instanceof Error ? cause : new Error(message) }
  }
  return code === 'ERR_FCGI_RESPONSE_TIMEOUT' ? { kind: 'timeout' } : { kind: 'invalid', why: message }
}

/** What HAProxy says of an answer (`tcpcheck_http_expect` of src/tcpcheck.c). */
export function judgeAnswer(
  { status, reason, body }: Extract<ProbeOutcome, { kind: 'answer' }>,
  expects: readonly CheckExpect[],
): CheckResult {
  const failed = expects.find((each) => holds(each, status, body) === each.negated)
  const passed = expects.length === 0 ? status >= 200 && status < 400 : failed === undefined
  if (passed) return { passed, status: 'Layer7 check passed', details: `, code: ${status}` }
  if (failed?.kind === 'string' || failed?.kind === 'rstring') {
    const what = failed.negated ? 'HTTP check matched unwanted content' : 'HTTP content check did not match'
    return { passed, status: 'Layer7 invalid response', details: `, info: "${what}"` }
  }
  return { passed, status: 'Layer7 wrong status', details: `, code: ${status}, info: "${reason}"` }
}

function holds(expect: CheckExpect, status: number, body: Buffer): boolean {
  switch (expect.kind) {
    case 'status':
      return expect.ranges.some(([from, to]) => status >= from && status <= to)
    case 'rstatus':
      return expect.pattern.test(String(status))
    case 'string':
      return body.includes(expect.text, 0, 'latin1')
    case 'rstring':
      return expect.pattern.test(body.toString('latin1'))
  }
}
