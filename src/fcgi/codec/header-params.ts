/** The parameters that header fields become. */
import { Buffer } from 'node:buffer'
import type { HeaderList, HeaderName } from '../../http1/index.ts'
import type { FcgiApp } from './app.ts'
import type { ParamList } from './param-list.ts'
import { cgiName, paramName, paramNames } from './param-name.ts'
import type { ParamName } from './param-name.ts'

/** Headers that no application sees unless `pass-header` names them. `proxy` would become HTTP_PROXY (httpoxy). */
export const hiddenHeaders: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'authorization',
  'proxy',
  'proxy-authorization',
  'proxy-authenticate',
  'te',
  'trailers',
  'transfer-encoding',
  'upgrade',
])

/** HTTP_*, CONTENT_TYPE and CONTENT_LENGTH. @param pass - names in lower case of headers that are hidden otherwise. */
export function addHeaders(
  params: ParamList,
  headers: HeaderList,
  app: FcgiApp,
  pass: ReadonlySet<string> | undefined,
): void {
  for (let at = 0; at < headers.length; at++) {
    const { key } = headers.fields[at] as HeaderName // at < length, here and below
    const { name, hidden, unusual } = headerParam(key)
    if (hidden && pass?.has(key) !== true) continue
    if (unusual && !app.preserveHeaderNames) continue
    const value = key === 'te' ? onlyTrailers(headers.values[at] as string) : (headers.values[at] as string)
    if (value === '' && key === 'te') continue
    const before = params.get(name)
    // A repeated Content-Length was refused or is a repetition of the same number.
    if (before === undefined) params.set(name, value)
    else if (key !== 'content-length') params.set(name, before + (key === 'cookie' ? '; ' : ', ') + value)
  }
}

const unusualName = /[^a-z0-9-]/

/** TE may only be passed on to say `trailers` (RFC 9113, section 8.2.2). */
function onlyTrailers(value: string): string {
  return /(?:^|[,\s])trailers(?:$|[,;\s])/i.test(value) ? 'trailers' : ''
}

/** What becomes of a header. */
interface HeaderParam {
  /** The parameter. */
  readonly name: ParamName
  /** Whether it is one of {@link hiddenHeaders}. */
  readonly hidden: boolean
  /** Whether its name has other characters than letters, digits and `-`. */
  readonly unusual: boolean
}

const headerParams = new Map<string, HeaderParam>()
const maxCachedNames = 512

/** The parameter that a header becomes, kept: the same few names come with every request. */
function headerParam(key: string): HeaderParam {
  const cached = headerParams.get(key)
  if (cached !== undefined) return cached
  const plain = key === 'content-length' || key === 'content-type'
  const name = paramName(cgiName(plain ? key : `http_${key}`))
  const made = { name, hidden: hiddenHeaders.has(key), unusual: unusualName.test(key) }
  if (headerParams.size < maxCachedNames && key.length < 64) headerParams.set(key, made)
  return made
}

/** AUTH_TYPE and REMOTE_USER, as HAProxy's default rules set them; the password goes nowhere. */
export function addAuthorization(params: ParamList, header: string | undefined): void {
  if (header === undefined) return
  const match = /^(basic|bearer) +(.*)$/i.exec(header)
  if (match === null) return
  if ((match[1] as string).length === 6) {
    params.set(paramNames.authType, 'Bearer')
    return
  }
  const decoded = Buffer.from(match[2] as string, 'base64').toString('latin1') // both groups took part
  const colon = decoded.indexOf(':')
  if (colon < 0) return
  params.set(paramNames.authType, 'Basic')
  const user = decoded.slice(0, colon)
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  if (user !== '' && !/[\0-\x1f\x7f]/.test(user)) params.set(paramNames.remoteUser, user)
}
