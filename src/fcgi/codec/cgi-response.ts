import { Writer } from '../../bytes/writer.ts'
import {
  BodyDecoder,
  Framing,
  Http1Error,
  parseContentLength,
  parseHeaderBlock,
  reasonPhrase,
} from '../../http1/index.ts'
import type { HeaderList } from '../../http1/index.ts'
import { checkBuffer, checkLimits, checkMethods, checkText } from '../arguments.ts'
import { FcgiError } from '../errors.ts'

/** The head of a response. */
export interface CgiHead {
  /** 100 to 999: applications have statuses of their own above 599, and HAProxy passes them on. */
  readonly status: number
  /** As the application wrote it, else the usual one; may be empty. */
  readonly reason: string
  /** All but Status and the headers that belong to one connection. */
  readonly headers: HeaderList
  /** What Content-Length says; undefined when it is not there, or when no body follows. */
  readonly contentLength: number | undefined
}

/** What a head may cost. */
export interface CgiResponseOptions {
  /** Largest head in bytes, the blank line included. */
  readonly maxHeadSize: number
  /** Most header fields. */
  readonly maxHeaders: number
}

/** Is told what comes out of {@link CgiResponseDecoder}. */
export interface CgiResponseSink {
  /** A 1xx head; the real one follows. */
  onInformational(head: CgiHead): void
  /** The head of the response. */
  onHead(head: CgiHead): void
  /** A view of what was pushed. */
  onBody(chunk: Buffer): void
}

/** Heads with 1xx before a response is taken for nonsense. */
const maxInformational = 16

const sinkMethods = ['onInformational', 'onHead', 'onBody'] as const

const CR = 0x0d
const LF = 0x0a

/**
 * What an application writes to STDOUT: CGI headers, a blank line, a body (RFC 3875, section 6). Lines end with CR LF or LF.
 * Here it becomes a status, headers and the bytes that may be sent on as the body.
 *
 * `push` what STDOUT brings, then call `finish`.
 */
export class CgiResponseDecoder {
  #phase: 'head' | 'body' | 'discard' = 'head'
  #partial: Writer | undefined
  readonly #body = new BodyDecoder()
  #informational = 0
  readonly #bodyless: boolean
  readonly #options: CgiResponseOptions

  /**
   * @param method - of the request: what follows the head of a response to HEAD is discarded.
   * @throws UsageError `ERR_SLUICE_OPTION`
   */
  constructor(method: string, options: CgiResponseOptions) {
    checkText('the method', method)
    checkLimits('maxHeadSize and maxHeaders', () => [options.maxHeadSize, options.maxHeaders])
    this.#bodyless = method === 'HEAD'
    this.#options = options
  }

  /** Whether the body is complete by its own account: Content-Length bytes, the last chunk, or a status without one. */
  get bodyDone(): boolean {
    return this.#phase === 'discard' || (this.#phase === 'body' && this.#body.done)
  }

  /** Whether the head is complete. */
  get headDone(): boolean {
    return this.#phase !== 'head'
  }

  /**
   * Takes bytes of STDOUT.
   * @throws FcgiError `ERR_FCGI_NPH`, `…_HEADERS`, `…_HEADERS_LIMIT`, `…_STATUS`, `…_RESPONSE_LENGTH`, `…_RESPONSE_BODY`.
   */
  push(chunk: Buffer, sink: CgiResponseSink): void {
    checkBuffer('the chunk', chunk)
    checkMethods('the sink', sink, sinkMethods)
    let rest = chunk
    while (this.#phase === 'head' && rest.length > 0) rest = this.#pushHead(rest, sink)
    if (rest.length > 0 && this.#phase === 'body') this.#pushBody(rest, sink)
  }

  /**
   * STDOUT is over.
   * @throws FcgiError `ERR_FCGI_EMPTY_RESPONSE`, `ERR_FCGI_TRUNCATED_RESPONSE`, `ERR_FCGI_RESPONSE_LENGTH`.
   */
  finish(): void {
    if (this.#phase === 'head') {
      const untouched = this.#partial === undefined && this.#informational === 0
      throw new FcgiError(untouched ? 'ERR_FCGI_EMPTY_RESPONSE' : 'ERR_FCGI_TRUNCATED_RESPONSE')
    }
    if (this.#phase === 'discard') return
    try {
      this.#body.finish()
    } catch (error) {
      const detail =
        this.#body.left > 0 ? `${this.#body.left} bytes are missing` : 'the last chunk is missing'
      throw new FcgiError('ERR_FCGI_RESPONSE_LENGTH', detail, { cause: error })
    }
  }

  /** Answers what lies behind the head, or nothing when the head goes on. */
  #pushHead(chunk: Buffer, sink: CgiResponseSink): Buffer {
    const gathered = this.#partial
    const had = gathered?.at ?? 0
    if (gathered !== undefined) {
      // No more is copied than a head may have; one byte more shows that it has more.
      gathered.copy(chunk.subarray(0, this.#options.maxHeadSize + 1 - had))
    }
    const bytes = gathered?.view() ?? chunk
    const end = findHeadEnd(bytes, Math.max(0, had - 3))
    if ((end < 0 ? bytes.length : end) > this.#options.maxHeadSize) {
      throw new FcgiError('ERR_FCGI_HEADERS_LIMIT', `more than ${this.#options.maxHeadSize} bytes`)
    }
    refuseStatusLine(bytes)
    if (end < 0) {
      if (gathered === undefined) {
        this.#partial = new Writer(Math.max(512, chunk.length * 2))
        this.#partial.copy(chunk)
      }
      return chunk.subarray(chunk.length)
    }
    this.#partial = undefined
    this.#onHead(bytes.subarray(0, end), sink)
    return chunk.subarray(end - had)
  }

  #onHead(block: Buffer, sink: CgiResponseSink): void {
    const headers = parseHeaders(block, this.#options.maxHeaders)
    const { status, reason } = takeStatus(headers)
    const framing = takeFraming(headers)
    headers.deleteWhere((key) => connectionHeaders.has(key))
    if (status < 200 || status === 204) headers.delete('content-length')
    if (status < 200) this.#onInformational({ status, reason, headers, contentLength: undefined }, sink)
    else {
      const empty = this.#bodyless || status === 204 || status === 304
      this.#phase = empty ? 'discard' : 'body'
      this.#body.reset(framing)
      sink.onHead({ status, reason, headers, contentLength: empty || framing < 0 ? undefined : framing })
    }
  }

  #onInformational(head: CgiHead, sink: CgiResponseSink): void {
    if (head.status === 101) throw new FcgiError('ERR_FCGI_STATUS', '101, which CGI cannot do')
    if (++this.#informational > maxInformational) {
      throw new FcgiError('ERR_FCGI_HEADERS_LIMIT', `more than ${maxInformational} informational heads`)
    }
    sink.onInformational(head)
  }

  #pushBody(chunk: Buffer, sink: CgiResponseSink): void {
    const body = this.#body
    body.push(chunk)
    try {
      for (let piece = body.next(); piece !== undefined; piece = body.next()) sink.onBody(piece)
    } catch (error) {
      if (!(error instanceof Http1Error)) throw error
      throw new FcgiError('ERR_FCGI_RESPONSE_BODY', error.message, { cause: error })
    }
    const extra = body.done ? chunk.length - body.at : 0
    if (extra > 0) throw new FcgiError('ERR_FCGI_RESPONSE_LENGTH', `${extra} bytes too many`)
  }
}

/** Where the blank line ends, or -1. The search may begin within a line end. */
function findHeadEnd(bytes: Buffer, from: number): number {
  if (from === 0) {
    if (bytes[0] === LF) return 1
    if (bytes[0] === CR && bytes[1] === LF) return 2
  }
  for (let at = bytes.indexOf(LF, from); at >= 0; at = bytes.indexOf(LF, at + 1)) {
    if (bytes[at + 1] === LF) return at + 2
    if (bytes[at + 1] === CR && bytes[at + 2] === LF) return at + 3
  }
  return -1
}

/** NPH scripts write a status line themselves; FastCGI does not know them (FastCGI 1.0, section 6.2). */
function refuseStatusLine(bytes: Buffer): void {
  if (bytes.length >= 5 && bytes.toString('latin1', 0, 5) === 'HTTP/') throw new FcgiError('ERR_FCGI_NPH')
}

function parseHeaders(block: Buffer, maxHeaders: number): HeaderList {
  try {
    return parseHeaderBlock(block, 0, block.length, { maxHeaders, bareLf: true })
  } catch (error) {
    if (!(error instanceof Http1Error)) throw error
    const code = error.code === 'ERR_HTTP1_TOO_MANY_HEADERS' ? 'ERR_FCGI_HEADERS_LIMIT' : 'ERR_FCGI_HEADERS'
    throw new FcgiError(code, error.message, { cause: error })
  }
}

/** Status wins over Location, wherever it stands; a Location alone is a redirect (RFC 3875, 6.2.3). */
function takeStatus(headers: HeaderList): { status: number; reason: string } {
  const given = headers.all('status')
  const text = given[0]
  if (text === undefined) {
    const status = headers.has('location') ? 302 : 200
    return { status, reason: reasonPhrase(status) }
  }
  if (given.some((each) => each !== text)) throw new FcgiError('ERR_FCGI_STATUS', 'it is there twice')
  headers.delete('status')
  const match = /^([1-9]\d\d)(?:[ \t]+(.*))?$/.exec(text)
  if (match === null) throw new FcgiError('ERR_FCGI_STATUS', JSON.stringify(text.slice(0, 40)))
  const status = Number(match[1])
  return { status, reason: match[2] ?? reasonPhrase(status) }
}

/** How the body ends. `chunked` from an application is decoded, as HAProxy does; the header goes. */
function takeFraming(headers: HeaderList): Framing {
  const [length, ...moreLengths] = headers.all('content-length')
  const [coding, ...moreCodings] = headers.all('transfer-encoding')
  if (coding !== undefined) {
    if (length !== undefined || moreCodings.length > 0 || coding.toLowerCase() !== 'chunked') {
      throw new FcgiError('ERR_FCGI_HEADERS', `Transfer-Encoding ${JSON.stringify(coding.slice(0, 40))}`)
    }
    headers.delete('transfer-encoding')
    return Framing.Chunked
  }
  if (length === undefined) return Framing.UntilClose
  if (moreLengths.some((each) => each !== length)) {
    throw new FcgiError('ERR_FCGI_HEADERS', 'Content-Length is there with two values')
  }
  if (moreLengths.length > 0) headers.set('Content-Length', length)
  try {
    return parseContentLength(length)
  } catch (error) {
    throw new FcgiError('ERR_FCGI_HEADERS', (error as Error).message, { cause: error })
  }
}

/** About the connection to our own client, and so not the application's to set (RFC 3875, 6.3.4). */
const connectionHeaders = new Set(['connection', 'keep-alive', 'proxy-connection', 'upgrade', 'trailer'])
