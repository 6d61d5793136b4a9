/** What a peer can do wrong in HTTP/1.1, with the status that a server answers (RFC 9112, RFC 9110 section 15). */
import { SluiceError, withDetail } from '../base/errors.ts'

/** Codes of {@link Http1Error}; `status` is what a request that does this is answered with. */
export const http1Faults = {
  ERR_HTTP1_HEAD_TOO_LARGE: { status: 431, message: 'the message head is too large' },
  ERR_HTTP1_TOO_MANY_HEADERS: { status: 431, message: 'the message has too many header fields' },
  ERR_HTTP1_REQUEST_LINE: { status: 400, message: 'the request line is malformed' },
  ERR_HTTP1_STATUS_LINE: { status: 502, message: 'the status line is malformed' },
  ERR_HTTP1_METHOD: { status: 400, message: 'the method is not a token' },
  ERR_HTTP1_TARGET: { status: 400, message: 'the request target is malformed' },
  ERR_HTTP1_VERSION: { status: 505, message: 'the HTTP version is not 1.0 or 1.1' },
  ERR_HTTP1_LINE_END: { status: 400, message: 'a line does not end with CR LF' },
  ERR_HTTP1_LINE_FOLDING: { status: 400, message: 'a header line is folded' },
  ERR_HTTP1_HEADER_NAME: { status: 400, message: 'a header name is not a token followed by a colon' },
  ERR_HTTP1_HEADER_VALUE: { status: 400, message: 'a header value has a character that is not allowed' },
  ERR_HTTP1_HOST: { status: 400, message: 'the host is missing, repeated, malformed or contradictory' },
  ERR_HTTP1_CONTENT_LENGTH: { status: 400, message: 'content-length is malformed or repeated' },
  ERR_HTTP1_TRANSFER_ENCODING: {
    status: 400,
    message: 'transfer-encoding does not end the body with chunked',
  },
  ERR_HTTP1_TRANSFER_CODING: { status: 501, message: 'a transfer coding other than chunked is used' },
  ERR_HTTP1_FRAMING: { status: 400, message: 'content-length and transfer-encoding are both given' },
  ERR_HTTP1_CHUNK_SIZE: { status: 400, message: 'a chunk size is malformed or too large' },
  ERR_HTTP1_CHUNK_EXTENSION: { status: 400, message: 'chunk extensions are malformed or too long' },
  ERR_HTTP1_CHUNK_END: { status: 400, message: 'a chunk is not followed by CR LF' },
  ERR_HTTP1_TRAILER: { status: 400, message: 'the trailer section is malformed or too large' },
  ERR_HTTP1_TRUNCATED: { status: 400, message: 'the connection ended in the middle of a message' },
} as const satisfies Record<string, { status: number; message: string }>

/** One of the codes of {@link http1Faults}. */
export type Http1ErrorCode = keyof typeof http1Faults

/** The peer sent something that is not HTTP/1.1, or that two readers could understand differently. */
export class Http1Error extends SluiceError<Http1ErrorCode> {
  /** The status to answer a request with; a gateway answers 502 when it was the server who did it. */
  readonly status: number

  constructor(code: Http1ErrorCode, detail?: string) {
    const fault = http1Faults[code]
    super(code, withDetail(fault.message, detail), { fault: 'peer' })
    this.status = fault.status
  }
}
