/**
 * The HTTP request behind the parameters of a FastCGI request: what {@link deriveEnvironment} makes of one, read back
 * (RFC 3875, section 4.1). Gateways differ in what they send: nginx, Apache, lighttpd and HAProxy were looked at.
 */
import { HeaderList, HeaderName, headerName } from '../../http1/index.ts'
import { requireArgument } from '../../base/options.ts'
import type { EnvironmentRequest } from './environment.ts'
import { ParamList } from './param-list.ts'
import { paramName, paramNames } from './param-name.ts'
import type { ParamName } from './param-name.ts'

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
  const list = new ParamList()
  for (const [name, value] of params) list.set(paramName(name), value)
  return httpRequestOf(list)
}

/** {@link readHttpRequest} of parameters that were decoded here. */
export function httpRequestOf(params: ParamList): CgiRequest {
  const contentLength = readLength(params.get(paramNames.contentLength))
  return {
    method: params.get(paramNames.requestMethod) ?? 'GET',
    target: readTarget(params),
    version: readVersion(params.get(paramNames.serverProtocol)),
    headers: readHeaders(params, contentLength),
    remoteAddress: params.get(paramNames.remoteAddr) ?? '',
    remotePort: readPort(params.get(paramNames.remotePort)),
    localAddress: params.get(paramNames.serverAddr) ?? '',
    localPort: readPort(params.get(paramNames.serverPort)),
    tls: isTls(params),
    contentLength,
  }
}

function readVersion(text = ''): string {
  return text !== 'HTTP/1.1' && /^HTTP\/\d(?:\.\d)?$/.test(text) ? text : 'HTTP/1.1'
}

/** nginx sends an empty one for a request without a body, HAProxy `0`. */
function readLength(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

function readPort(text: string | undefined): number {
  return text !== undefined && /^\d{1,5}$/.test(text) && Number(text) <= 0xffff ? Number(text) : 0
}

/** Apache says `on`, IIS `off` for what is plain; lighttpd and nginx have REQUEST_SCHEME, too. */
function isTls(params: ParamList): boolean {
  const https = params.get(paramNames.https)?.toLowerCase()
  if (https !== undefined && https !== '') return https !== 'off' && https !== '0'
  return params.get(paramNames.requestScheme) === 'https'
}

/** REQUEST_URI is no part of CGI, and every gateway sends it; without it the path is put together again. */
function readTarget(params: ParamList): string {
  const uri = params.get(paramNames.requestUri)
  if (uri !== undefined && uri !== '') return uri
  const path = encodePath((params.get(paramNames.scriptName) ?? '') + (params.get(paramNames.pathInfo) ?? ''))
  const query = params.get(paramNames.queryString) ?? ''
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

function readHeaders(params: ParamList, contentLength: number | undefined): HeaderList {
  const headers = new HeaderList()
  const { names, values } = params
  for (let at = 0; at < names.length; at++) {
    const header = headerOf(names[at] as ParamName) // arrays of one length, here and below
    if (header !== null) headers.push(header, values[at] as string)
  }
  const type = params.get(paramNames.contentType)
  if (type !== undefined && type !== '') headers.push(contentTypeName, type)
  // HAProxy sends the length of a body that is not there, too.
  if (contentLength !== undefined && (contentLength > 0 || !isBodyless(params))) {
    headers.push(contentLengthName, String(contentLength))
  }
  return headers
}

/** What has a parameter without HTTP_, or must not be believed. */
const notHeaders = new Set(['HTTP_PROXY', 'HTTP_CONTENT_LENGTH', 'HTTP_CONTENT_TYPE'])

function isBodyless(params: ParamList): boolean {
  const method = params.get(paramNames.requestMethod) ?? 'GET'
  return method === 'GET' || method === 'HEAD'
}

const contentTypeName = headerName('Content-Type')
const contentLengthName = headerName('Content-Length')

/** `HTTP_ACCEPT_LANGUAGE` was `Accept-Language`, or `accept_language`: the difference is lost. Null: not a header. */
function headerOf(name: ParamName): HeaderName | null {
  if (name.header === undefined) name.header = isHeader(name.text) ? makeHeader(name.text) : null
  return name.header
}

function isHeader(param: string): boolean {
  return param.startsWith('HTTP_') && !notHeaders.has(param)
}

function makeHeader(param: string): HeaderName {
  const name = param
    .slice(5)
    .toLowerCase()
    .replaceAll('_', '-')
    .replace(/(?<![^-])[a-z]/g, (letter) => letter.toUpperCase())
  return new HeaderName(name)
}
