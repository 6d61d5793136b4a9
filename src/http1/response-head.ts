/** Response heads (RFC 9112 section 4) and where their bodies end (section 6.3). */
import { Character, characters, showByte } from './characters.ts'
import { parseConnection } from './connection.ts'
import { Http1Error } from './errors.ts'
import { BodyFields, Framing } from './framing.ts'
import { headText, readHeaderLines, skipLineEnd } from './header-block.ts'
import { HeaderKind } from './header-name.ts'
import type { HeaderName } from './header-name.ts'
import type { HeaderList } from './header-list.ts'
import { readVersion } from './request-head.ts'

/** A response without its body. Status, reason and headers may be changed by whoever holds it. */
export interface ResponseHead {
  /** 0 for HTTP/1.0, 1 for HTTP/1.1. */
  readonly minor: 0 | 1
  status: number
  /** May be empty. */
  reason: string
  readonly headers: HeaderList
  /** The length that the headers give the body, or {@link Framing}; see {@link responseFraming} for the body that is there. */
  readonly framing: Framing
  /** Bits of ConnectionOption. */
  readonly connection: number
  /** The protocol that the server switches to, with status 101. */
  readonly upgrade: string | undefined
}

const SP = 0x20
/** See LineReading. */
const responseNames: HeaderName[] = []

/**
 * Reads the response head that is `bytes` from `start` to `end`, its blank line included (see HeadBuffer).
 * @throws Http1Error
 */
export function parseResponseHead(bytes: Buffer, start: number, end: number, maxHeaders = 101): ResponseHead {
  const minor = readStatusVersion(bytes, start, end)
  const at = start + 8
  const status = readStatus(bytes, at, end)
  let reasonEnd = at + 4
  const head = headText(bytes, start, end)
  let reason = ''
  if (bytes[reasonEnd] === SP) {
    const from = reasonEnd + 1
    reasonEnd = from
    while (reasonEnd < end && ((characters[bytes[reasonEnd] as number] as number) & Character.Text) !== 0)
      reasonEnd++
    reason = head.text.slice(from - start, reasonEnd - start)
  }
  const next = skipLineEnd(bytes, reasonEnd, end, false)
  const headers = readHeaderLines(head, next, { maxHeaders, bareLf: false, names: responseNames })
  headers.readFrom(bytes, end)
  return finishResponse(minor, status, reason, headers)
}

function readStatusVersion(bytes: Buffer, start: number, end: number): 0 | 1 {
  try {
    return readVersion(bytes, start, end)
  } catch (error) {
    if (error instanceof Http1Error && error.code === 'ERR_HTTP1_VERSION') throw error
    const shown = JSON.stringify(bytes.toString('latin1', start, Math.min(start + 16, end)))
    throw new Http1Error('ERR_HTTP1_STATUS_LINE', `it begins with ${shown}`)
  }
}

/** SP and three digits, the first not 0. */
function readStatus(bytes: Buffer, at: number, end: number): number {
  let status = 0
  for (let index = 1; index <= 3; index++) {
    const digit = at + index < end ? (bytes[at + index] as number) - 0x30 : -1
    if (digit < 0 || digit > 9) throw new Http1Error('ERR_HTTP1_STATUS_LINE', showByte(bytes[at + index]))
    status = status * 10 + digit
  }
  const after = bytes[at + 4]
  if (bytes[at] !== SP || status < 100 || (after !== SP && after !== 0x0d)) {
    throw new Http1Error('ERR_HTTP1_STATUS_LINE', bytes.toString('latin1', at, at + 4))
  }
  return status
}

function finishResponse(minor: 0 | 1, status: number, reason: string, headers: HeaderList): ResponseHead {
  const body = new BodyFields()
  let connection = 0
  let upgrade: string | undefined
  const { fields, values } = headers
  for (let at = 0; at < fields.length; at++) {
    const kind = fields[at]?.kind
    if (kind === HeaderKind.Other) continue
    const value = values[at] as string // the arrays have one length
    if (kind === HeaderKind.ContentLength) body.addContentLength(value)
    else if (kind === HeaderKind.TransferEncoding) body.addTransferEncoding(value)
    else if (kind === HeaderKind.Connection) connection |= parseConnection(value)
    else if (kind === HeaderKind.Upgrade) upgrade = value
  }
  body.check(minor)
  const length = body.contentLength >= 0 ? body.contentLength : Framing.UntilClose
  const framing = body.chunked ? Framing.Chunked : length
  return { minor, status, reason, headers, framing, connection, upgrade }
}

/**
 * Where the body of a response ends, given the method it answers: 0 for HEAD, 1xx, 204, 304 and for a CONNECT that
 * succeeded (what follows is the tunnel), whatever the headers say.
 */
export function responseFraming(head: ResponseHead, method: string): Framing {
  const { status } = head
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return 0
  if (method === 'CONNECT' && status < 300) return 0
  return head.framing
}
