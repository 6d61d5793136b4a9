/** Request heads (RFC 9112 section 3, RFC 9110 section 7.2), checked so that every other HTTP/1.1 reader sees the same request. */
import { Character, characters, showByte } from './characters.ts'
import { parseConnection } from './connection.ts'
import { Http1Error } from './errors.ts'
import { BodyFields, Framing } from './framing.ts'
import { headText, readHeaderLines, skipLineEnd } from './header-block.ts'
import { HeaderKind } from './header-name.ts'
import type { HeaderName } from './header-name.ts'
import type { HeaderList } from './header-list.ts'
import { isHost, sameHost, sameTunnel, targetAuthority, targetForm } from './target.ts'
import type { TargetForm } from './target.ts'

/** A request without its body. Method, target, headers and framing may be changed by whoever holds it. */
export interface RequestHead {
  method: string
  /** As received, in one of the four forms. */
  target: string
  readonly form: TargetForm
  /** 0 for HTTP/1.0, 1 for HTTP/1.1. */
  readonly minor: 0 | 1
  readonly headers: HeaderList
  /** Length of the body (0: none), or {@link Framing}.Chunked. */
  framing: Framing
  /** Bits of ConnectionOption. */
  readonly connection: number
  /** Whether the client waits for `100 Continue` before it sends the body. */
  readonly expectsContinue: boolean
  /** The protocols that the client would switch to; undefined unless Connection says `upgrade` too. */
  readonly upgrade: string | undefined
}

const SP = 0x20
/** See LineReading. */
const requestNames: HeaderName[] = []

/**
 * Reads the request head that is `bytes` from `start` to `end`, its blank line included (see HeadBuffer).
 * @throws Http1Error with the status to answer.
 */
export function parseRequestHead(bytes: Buffer, start: number, end: number, maxHeaders = 101): RequestHead {
  const methodEnd = scan(bytes, start, end, Character.Token)
  if (methodEnd === start || bytes[methodEnd] !== SP)
    throw new Http1Error('ERR_HTTP1_METHOD', showByte(bytes[methodEnd]))
  const targetStart = methodEnd + 1
  const targetEnd = scan(bytes, targetStart, end, Character.Target)
  if (targetEnd === targetStart || bytes[targetEnd] !== SP) refuseTarget(bytes, targetEnd)
  const minor = readVersion(bytes, targetEnd + 1, end)
  const next = skipLineEnd(bytes, targetEnd + 9, end, false)
  const head = headText(bytes, start, end)
  const headers = readHeaderLines(head, next, { maxHeaders, bareLf: false, names: requestNames })
  headers.readFrom(bytes, end)
  const method = knownMethod(bytes, start, methodEnd) ?? head.text.slice(0, methodEnd - start)
  const target = head.text.slice(targetStart - start, targetEnd - start)
  return finishRequest(method, target, minor, headers)
}

/** The methods of RFC 9110 and 5789, the most common first: one text for all requests, which is compared by its address. */
const methods = ['GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'CONNECT', 'TRACE'] as const

function knownMethod(bytes: Buffer, start: number, end: number): string | undefined {
  for (const method of methods)
    if (method.length === end - start && isText(method, bytes, start)) return method
  return undefined
}

function isText(text: string, bytes: Buffer, at: number): boolean {
  for (let index = 0; index < text.length; index++)
    if (text.charCodeAt(index) !== bytes[at + index]) return false
  return true
}

function scan(bytes: Buffer, from: number, end: number, use: number): number {
  let at = from
  while (at < end && ((characters[bytes[at] as number] as number) & use) !== 0) at++
  return at
}

function refuseTarget(bytes: Buffer, at: number): never {
  if (bytes[at] === 0x0d || bytes[at] === 0x0a)
    throw new Http1Error('ERR_HTTP1_REQUEST_LINE', 'the version is missing')
  throw new Http1Error('ERR_HTTP1_TARGET', showByte(bytes[at]))
}

/** `HTTP/1.0` or `HTTP/1.1`; answers the minor version. */
export function readVersion(bytes: Buffer, at: number, end: number): 0 | 1 {
  if (
    at + 8 <= end &&
    bytes[at] === 0x48 &&
    bytes[at + 1] === 0x54 &&
    bytes[at + 2] === 0x54 &&
    bytes[at + 3] === 0x50 &&
    bytes[at + 4] === 0x2f &&
    bytes[at + 6] === 0x2e &&
    isDigit(bytes[at + 5]) &&
    isDigit(bytes[at + 7])
  ) {
    const minor = (bytes[at + 7] as number) - 0x30 // checked to be a digit
    if (bytes[at + 5] === 0x31 && (minor === 0 || minor === 1)) return minor
    throw new Http1Error('ERR_HTTP1_VERSION', bytes.toString('latin1', at, at + 8))
  }
  throw new Http1Error('ERR_HTTP1_REQUEST_LINE', 'the version is malformed')
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39
}

function finishRequest(method: string, target: string, minor: 0 | 1, headers: HeaderList): RequestHead {
  const body = new BodyFields()
  let connection = 0
  let host: string | undefined
  let expectsContinue = false
  let upgrade: string | undefined
  const { fields, values } = headers
  for (let at = 0; at < fields.length; at++) {
    const kind = fields[at]?.kind
    if (kind === HeaderKind.Other) continue
    const value = values[at] as string // the arrays have one length
    if (kind === HeaderKind.Host) {
      if (host !== undefined) throw new Http1Error('ERR_HTTP1_HOST', 'it is sent twice')
      if (value !== '' && !isHost(value))
        throw new Http1Error('ERR_HTTP1_HOST', JSON.stringify(value.slice(0, 40)))
      host = value
    } else if (kind === HeaderKind.ContentLength) body.addContentLength(value)
    else if (kind === HeaderKind.TransferEncoding) body.addTransferEncoding(value)
    else if (kind === HeaderKind.Connection) connection |= parseConnection(value)
    else if (kind === HeaderKind.Expect) expectsContinue = value.toLowerCase() === '100-continue'
    else if (kind === HeaderKind.Upgrade) upgrade = upgrade === undefined ? value : `${upgrade}, ${value}`
  }
  body.check(minor)
  if (method === 'CONNECT') refuseContent(body)
  const form = checkTarget(method, target, minor, host)
  return {
    method,
    target,
    form,
    minor,
    headers,
    framing: body.chunked ? Framing.Chunked : Math.max(0, body.contentLength),
    connection,
    expectsContinue: expectsContinue && minor === 1,
    upgrade: (connection & 4) !== 0 && minor === 1 ? upgrade : undefined,
  }
}

/**
 * A CONNECT has no content (RFC 9110 section 9.3.6): what a length would frame are the first bytes of the tunnel to one
 * reader, and a request of its own to the next.
 */
function refuseContent(body: BodyFields): void {
  if (body.contentLength >= 0) throw new Http1Error('ERR_HTTP1_CONTENT_LENGTH', 'in a CONNECT request')
  if (body.chunked) throw new Http1Error('ERR_HTTP1_TRANSFER_ENCODING', 'in a CONNECT request')
}

function checkTarget(method: string, target: string, minor: number, host: string | undefined): TargetForm {
  if (host === undefined && minor === 1) throw new Http1Error('ERR_HTTP1_HOST', 'it is missing')
  const form = targetForm(method, target)
  if (host === undefined) return form
  if (form === 'authority') checkAuthority(target, sameTunnel(target, host))
  if (form === 'absolute') {
    const scheme = target.slice(0, target.indexOf(':'))
    const authority = targetAuthority(target) ?? ''
    checkAuthority(authority, sameHost(scheme, authority, host))
  }
  return form
}

function checkAuthority(authority: string, same: boolean): void {
  if (same) return
  throw new Http1Error('ERR_HTTP1_HOST', `it is not the target's ${JSON.stringify(authority.slice(0, 40))}`)
}
