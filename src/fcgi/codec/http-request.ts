/**
 * The HTTP request behind the parameters of a FastCGI request: what {@link deriveEnvironment} makes of one, read back
 * (RFC 3875, section 4.1). Gateways differ in what they send: nginx, Apache, lighttpd and HAProxy were looked at.
 */
import { createHeaderName, HeaderList } from '../../http1/index.ts'
import type { HeaderName } from '../../http1/index.ts'
import { requireArgument } from '../../base/options.ts'
import type { EnvironmentRequest } from './environment.ts'

/** Text has one character per byte, as everywhere in parameters. */
export interface CgiRequest extends Omit<EnvironmentRequest, 'bodySize'> {
  /** What CONTENT_LENGTH says; undefined when it does not, which is a body of any length, or none. */
  readonly contentLength: number | undefined
}

/**
 * Reads the request. What is missing or malformed becomes what says least: `GET`, `/`, `HTTP/1.1`, an empty address, port 0.
 * A `Proxy` header is dropped (httpoxy).
 * @throws UsageError `ERR_SLUICE_OPTION`
 */
export function readHttpRequest(params: ReadonlyMap<string, string>): CgiRequest {
  const isText = (each: unknown) => typeof each === 'string'
  const isRight = params instanceof Map && [...params].flat().every(isText)
  requireArgument(isRight, 'the parameters', 'must be a Map of strings', params)
  return httpRequestOf(params)
}

/** {@link readHttpRequest} of parameters that were decoded here. */
export function httpRequestOf(params: ReadonlyMap<string, string>): CgiRequest {
  const contentLength = readLength(params.get('CONTENT_LENGTH'))
  return {
    method: params.get('REQUEST_METHOD') ?? 'GET',
    target: readTarget(params),
    version: /^HTTP\/\d(?:\.\d)?$/.exec(params.get('SERVER_PROTOCOL') ?? '')?.[0] ?? 'HTTP/1.1',
    headers: readHeaders(params, contentLength),
    remoteAddress: params.get('REMOTE_ADDR') ?? '',
    remotePort: readPort(params.get('REMOTE_PORT')),
    localAddress: params.get('SERVER_ADDR') ?? '',
    localPort: readPort(params.get('SERVER_PORT')),
    tls: isTls(params),
    contentLength,
  }
}

/** nginx sends an empty one for a request without a body, HAProxy `0`. */
function readLength(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

function readPort(text: string | undefined): number {
  return text !== undefined && /^\d{1,5}$/.test(text) && Number(text) <= 0xffff ? Number(text) : 0
}

/** Apache says `on`, IIS `off` for what is plain; lighttpd and nginx have REQUEST_SCHEME, too. */
function isTls(params: ReadonlyMap<string, string>): boolean {
  const https = params.get('HTTPS')?.toLowerCase()
  if (https !== undefined && https !== '') return https !== 'off' && https !== '0'
  return params.get('REQUEST_SCHEME') === 'https'
}

/** REQUEST_URI is no part of CGI, and every gateway sends it; without it the path is put together again. */
function readTarget(params: ReadonlyMap<string, string>): string {
  const uri = params.get('REQUEST_URI')
  if (uri !== undefined && uri !== '') return uri
  const path = encodePath((params.get('SCRIPT_NAME') ?? '') + (params.get('PATH_INFO') ?? ''))
  const query = params.get('QUERY_STRING') ?? ''
  return (path.startsWith('/') ? path : `/${path}`) + (query === '' ? '' : `?${query}`)
}

/** SCRIPT_NAME and PATH_INFO are decoded. */
function encodePath(path: string): string {
  return path.replace(/[^A-Za-z0-9\-._~!$&'()*+,;=:@/]/gu, (each) => {
    const code = each.charCodeAt(0)
    // With the encoding `utf8` there may be more than a byte in a character.
    return code < 0x100 ? `%${code.toString(16).toUpperCase().padStart(2, '0')}` : encodeURIComponent(each)
  })
}

function readHeaders(params: ReadonlyMap<string, string>, contentLength: number | undefined): HeaderList {
  const headers = new HeaderList()
  for (const [name, value] of params) {
    const header = name.startsWith('HTTP_') ? headerName(name) : undefined
    if (header !== undefined) headers.push(header, value)
  }
  const type = params.get('CONTENT_TYPE')
  if (type !== undefined && type !== '') headers.push(contentTypeName, type)
  // HAProxy sends the length of a body that is not there, too.
  if (contentLength !== undefined && (contentLength > 0 || !isBodyless(params))) {
    headers.push(contentLengthName, String(contentLength))
  }
  return headers
}

/** What has a parameter without HTTP_, or must not be believed. */
const notHeaders = new Set(['HTTP_PROXY', 'HTTP_CONTENT_LENGTH', 'HTTP_CONTENT_TYPE'])

function isBodyless(params: ReadonlyMap<string, string>): boolean {
  const method = params.get('REQUEST_METHOD') ?? 'GET'
  return method === 'GET' || method === 'HEAD'
}

const contentTypeName = createHeaderName('Content-Type')
const contentLengthName = createHeaderName('Content-Length')
const headerNames = new Map<string, HeaderName>()
const maxCachedNames = 512

/** `HTTP_ACCEPT_LANGUAGE` was `Accept-Language`, or `accept_language`: the difference is lost. Undefined: not a header. */
function headerName(param: string): HeaderName | undefined {
  const cached = headerNames.get(param)
  if (cached !== undefined) return cached
  if (notHeaders.has(param)) return undefined
  const name = param
    .slice(5)
    .toLowerCase()
    .replaceAll('_', '-')
    .replace(/(?<![^-])[a-z]/g, (letter) => letter.toUpperCase())
  const header = createHeaderName(name)
  if (headerNames.size < maxCachedNames && param.length < 64) headerNames.set(param, header)
  return header
}
