/**
 * Where a message body ends (RFC 9112 section 6). Every form that two readers have been known to understand
 * differently is refused: this is what request smuggling is made of.
 */
import { Http1Error } from './errors.ts'
import type { HeaderList } from './header-list.ts'

/** How a body ends when it is not a number of bytes. A framing of 0 or more is the length in bytes. */
export const Framing = {
  /** In chunks, the last one empty. */
  Chunked: -1,
  /** When the connection is closed; responses only. */
  UntilClose: -2,
} as const

/** A length of 0 or more, or one of {@link Framing}. */
export type Framing = number

/**
 * The value of a Content-Length field: digits alone.
 * @throws Http1Error `ERR_HTTP1_CONTENT_LENGTH` for a sign, a space, a list, a number beyond 2^53-1, or nothing.
 */
export function parseContentLength(value: string): number {
  let length = 0
  const digits = value.length
  for (let at = 0; at < digits; at++) {
    const digit = value.charCodeAt(at) - 0x30
    if (digit < 0 || digit > 9) refuseLength(value)
    length = length * 10 + digit
    if (length > Number.MAX_SAFE_INTEGER) refuseLength(value)
  }
  if (digits === 0) refuseLength(value)
  return length
}

function refuseLength(value: string): never {
  throw new Http1Error('ERR_HTTP1_CONTENT_LENGTH', JSON.stringify(value.slice(0, 40)))
}

/**
 * Checks that a Transfer-Encoding value is `chunked` and nothing else.
 * @throws Http1Error `ERR_HTTP1_TRANSFER_CODING` (501) when another coding is applied before a final `chunked`;
 * `ERR_HTTP1_TRANSFER_ENCODING` (400) when `chunked` is not last, is repeated or has parameters.
 */
function checkTransferEncoding(value: string): void {
  if (value === 'chunked' || value.toLowerCase() === 'chunked') return
  const codings = value.split(',').map((each) => each.trim().toLowerCase())
  const shown = JSON.stringify(value.slice(0, 40))
  if (codings.at(-1) !== 'chunked' || codings.indexOf('chunked') !== codings.length - 1) {
    throw new Http1Error('ERR_HTTP1_TRANSFER_ENCODING', shown)
  }
  throw new Http1Error('ERR_HTTP1_TRANSFER_CODING', shown)
}

/** What the header loop finds out about the body; starts as `new BodyFields()` for each head. */
export class BodyFields {
  /** -1 while there is none. */
  contentLength = -1
  chunked = false

  addContentLength(value: string): void {
    if (this.contentLength >= 0) throw new Http1Error('ERR_HTTP1_CONTENT_LENGTH', 'it is sent twice')
    this.contentLength = parseContentLength(value)
  }

  addTransferEncoding(value: string): void {
    if (this.chunked) throw new Http1Error('ERR_HTTP1_TRANSFER_ENCODING', 'it is sent twice')
    checkTransferEncoding(value)
    this.chunked = true
  }

  /** After all headers: the two do not go together, and HTTP/1.0 knows no transfer codings. */
  check(minor: number): void {
    if (!this.chunked) return
    if (this.contentLength >= 0) throw new Http1Error('ERR_HTTP1_FRAMING')
    if (minor === 0) throw new Http1Error('ERR_HTTP1_TRANSFER_ENCODING', 'in an HTTP/1.0 message')
  }
}

/** In a trailer section these would change how the message is read or routed after that was decided. */
const refusedInTrailers = ['content-length', 'transfer-encoding', 'host']

/** Names that have no meaning, or a dangerous one, so late (RFC 9110 section 6.5.1). */
const droppedFromTrailers = new Set([
  'authorization',
  'connection',
  'content-encoding',
  'content-range',
  'content-type',
  'cookie',
  'expect',
  'keep-alive',
  'proxy-authorization',
  'set-cookie',
  'te',
  'trailer',
  'upgrade',
])

/**
 * Removes the fields that a trailer section must not hold.
 * @throws Http1Error `ERR_HTTP1_TRAILER` for those that are an attack.
 */
export function checkTrailers(trailers: HeaderList): void {
  for (const key of refusedInTrailers) {
    if (trailers.has(key)) throw new Http1Error('ERR_HTTP1_TRAILER', `it holds ${key}`)
  }
  trailers.deleteWhere((key) => droppedFromTrailers.has(key))
}
