import { Buffer } from 'node:buffer'
import { latin1Text } from '../../bytes/latin1.ts'
import { Writer } from '../../bytes/writer.ts'
import { BodyDecoder, HeaderKind, Http1Error, parseHeaderBlock, reasonPhrase } from '../../http1/index.ts'
import type { HeaderList } from '../../http1/index.ts'
import { checkLimits, checkMethods, checkRange, checkText } from '../arguments.ts'
import { FcgiError } from '../errors.ts'
import { takeFraming } from './cgi-framing.ts'

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

/** To look up names that vary costs more than all of these. What cannot be read is none. */
function isSink(given: Partial<CgiResponseSink> | null | undefined): boolean {
  try {
    return (
      typeof given?.onInformational === 'function' &&
      typeof given.onHead === 'function' &&
      typeof given.onBody === 'function'
    )
  } catch {
    return false
  }
}

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
   * Takes bytes of STDOUT: those of the chunk from `start` to `end`, by default all.
   * @throws FcgiError `ERR_FCGI_NPH`, `…_HEADERS`, `…_HEADERS_LIMIT`, `…_STATUS`, `…_RESPONSE_LENGTH`, `…_RESPONSE_BODY`;
   * UsageError `ERR_SLUICE_OPTION`.
   */
  push(chunk: Buffer, sink: CgiResponseSink, start = 0, end?: number): void {
    const stop = checkRange(chunk, start, end)
    if (!isSink(sink)) checkMethods('the sink', sink, sinkMethods)
    let at = start
    while (this.#phase === 'head' && at < stop) at = this.#pushHead(chunk, at, stop, sink)
    if (at < stop && this.#phase === 'body') this.#pushBody(chunk.subarray(at, stop), sink)
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

  /** Answers where the head ends, or `stop` when it goes on. */
  #pushHead(chunk: Buffer, start: number, stop: number, sink: CgiResponseSink): number {
    const gathered = this.#partial
    const { maxHeadSize } = this.#options
    if (gathered === undefined) {
      const end = this.#findEnd(chunk, start, stop, start)
      if (end < 0) (this.#partial = new Writer(Math.max(512, (stop - start) * 2))).copy(chunk, start, stop)
      else this.#onHead(chunk, start, end, sink)
      return end < 0 ? stop : end
    }
    const had = gathered.at
    // No more is copied than a head may have; one byte more shows that it has more.
    gathered.copy(chunk, start, Math.min(stop, start + maxHeadSize + 1 - had))
    const bytes = gathered.view()
    const end = this.#findEnd(bytes, 0, bytes.length, Math.max(0, had - 3))
    if (end < 0) return stop
    this.#partial = undefined
    this.#onHead(bytes, 0, end, sink)
    return start + end - had
  }

  /** Where a head ends that begins at `start`, or -1; the search goes on at `from`. Refuses one that cannot become right. */
  #findEnd(bytes: Buffer, start: number, stop: number, from: number): number {
    const { maxHeadSize } = this.#options
    const end = findHeadEnd(bytes, start, stop, from)
    if ((end < 0 ? stop : end) - start > maxHeadSize) {
      throw new FcgiError('ERR_FCGI_HEADERS_LIMIT', `more than ${maxHeadSize} bytes`)
    }
    refuseStatusLine(bytes, start, stop)
    return end
  }

  #onHead(bytes: Buffer, start: number, end: number, sink: CgiResponseSink): void {
    const headers = parseHeaders(bytes, start, end, this.#options.maxHeaders)
    const { status, reason } = takeStatus(headers)
    const framing = takeFraming(headers)
    dropConnection(headers)
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

/** Where the blank line ends, or -1, of a head that begins at `start`. The search may begin within a line end. */
function findHeadEnd(bytes: Buffer, start: number, stop: number, from: number): number {
  // A head without a field.
  let afterLine = from === start
  for (let at = from; at < stop; at++) {
    const byte = bytes[at]
    if (byte === LF) {
      if (afterLine) return at + 1
      afterLine = true
    } else if (byte !== CR || bytes[at + 1] !== LF) afterLine = false
  }
  return -1
}

/** How a status line begins. */
const statusLine = 'HTTP/'

/** NPH scripts write a status line themselves; FastCGI does not know them (FastCGI 1.0, section 6.2). */
function refuseStatusLine(bytes: Buffer, start: number, stop: number): void {
  if (bytes[start] !== statusLine.charCodeAt(0) || stop - start < statusLine.length) return
  if (bytes.toString('latin1', start, start + statusLine.length) === statusLine) {
    throw new FcgiError('ERR_FCGI_NPH')
  }
}

function parseHeaders(bytes: Buffer, start: number, end: number, maxHeaders: number): HeaderList {
  try {
    return parseHeaderBlock(bytes, start, end, { maxHeaders, bareLf: true })
  } catch (error) {
    if (!(error instanceof Http1Error)) throw error
    const spaced = error.code === 'ERR_HTTP1_HEADER_VALUE' ? spaceControls(bytes, start, end) : undefined
    if (spaced !== undefined) return parseHeaders(spaced, 0, spaced.length, maxHeaders)
    const code = error.code === 'ERR_HTTP1_TOO_MANY_HEADERS' ? 'ERR_FCGI_HEADERS_LIMIT' : 'ERR_FCGI_HEADERS'
    throw new FcgiError(code, error.message, { cause: error })
  }
}

/**
 * Scripts put what they were given into headers, control characters too, and HAProxy and nginx pass these on. They become spaces
 * here (RFC 9110, section 5.5), for no framework of Node.js would send them. Undefined where there are none but NUL, which is refused.
 */
function spaceControls(bytes: Buffer, start: number, end: number): Buffer | undefined {
  const text = latin1Text(bytes, start, end)
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  const spaced = text.replace(/[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]/g, ' ')
  return spaced === text ? undefined : Buffer.from(spaced, 'latin1')
}

/** Status wins over Location, wherever it stands; a Location alone is a redirect (RFC 3875, 6.2.3). */
function takeStatus(headers: HeaderList): { status: number; reason: string } {
  const text = headers.get('status')
  if (text === undefined) {
    const status = headers.has('location') ? 302 : 200
    return { status, reason: reasonPhrase(status) }
  }
  if (headers.all('status').some((each) => each !== text)) {
    throw new FcgiError('ERR_FCGI_STATUS', 'it is there twice')
  }
  headers.delete('status')
  const match = /^([1-9]\d\d)(?:[ \t]*(\D.*))?$/.exec(text)
  if (match === null) throw new FcgiError('ERR_FCGI_STATUS', JSON.stringify(text.slice(0, 40)))
  const status = Number(match[1])
  return { status, reason: match[2] ?? reasonPhrase(status) }
}

/** About the connection to our own client, and so not the application's to set (RFC 3875, 6.3.4). */
const connectionHeaders = new Set(['connection', 'keep-alive', 'proxy-connection', 'upgrade', 'trailer'])
/** Trailer is the only one of them that the codec has no kind for. */
const connectionKinds =
  (1 << HeaderKind.Connection) |
  (1 << HeaderKind.KeepAlive) |
  (1 << HeaderKind.ProxyConnection) |
  (1 << HeaderKind.Upgrade)

function dropConnection(headers: HeaderList): void {
  if (!headers.mayHave(connectionKinds) && !headers.has('trailer')) return
  headers.deleteWhere((key) => connectionHeaders.has(key))
}
