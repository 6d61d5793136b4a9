/** Names of parameters, kept: the same few come with every request. */

import { flatText } from '../../bytes/flat-text.ts'
import type { HeaderName } from '../../http1/index.ts'

/** Lengths from here on take four bytes (section 3.4). */
export const longLength = 128

/**
 * The name of a parameter, and what stands before its value: both lengths and the name, one character per byte. The length of a
 * value is filled in when it is written; until then 1 stands for each of its bytes, so that a NUL is never but what must not be sent.
 */
export class ParamName {
  readonly text: string
  /** Before a value that is shorter than {@link longLength}. */
  readonly short: string
  /** Before a longer one. */
  readonly long: string
  /** Whether it is the one object of its text. */
  readonly kept: boolean
  /** What header it was; null: none. Undefined: nobody has asked. */
  header: HeaderName | null | undefined
  /** The number of the list that it was put in last, and its place there: see ParamList. */
  list = 0
  at = 0

  /** Use {@link paramName}. An empty name has a NUL for its length, and one that is too long to be kept is given one. */
  constructor(text: string, kept: boolean) {
    const { length } = text
    const size = String.fromCharCode(length < longLength ? length : 0)
    this.text = text
    this.short = flatText(`${size}\u0001${text}`)
    this.long = flatText(`${size}\u0001\u0001\u0001\u0001${text}`)
    this.kept = kept
  }
}

const names = new Map<string, ParamName>()
const maxKept = 1024
const longestKept = 80

/** The name with this text: kept, unless there are too many or it is long. */
export function paramName(text: string): ParamName {
  const found = names.get(text)
  if (found !== undefined) return found
  const made = new ParamName(text, names.size < maxKept && text.length <= longestKept)
  if (made.kept) names.set(text, made)
  return made
}

/** Those that every application may expect (RFC 3875, section 4.1), and what gateways add. */
export const paramNames = {
  authType: paramName('AUTH_TYPE'),
  contentLength: paramName('CONTENT_LENGTH'),
  contentType: paramName('CONTENT_TYPE'),
  documentRoot: paramName('DOCUMENT_ROOT'),
  gatewayInterface: paramName('GATEWAY_INTERFACE'),
  https: paramName('HTTPS'),
  pathInfo: paramName('PATH_INFO'),
  pathTranslated: paramName('PATH_TRANSLATED'),
  queryString: paramName('QUERY_STRING'),
  remoteAddr: paramName('REMOTE_ADDR'),
  remotePort: paramName('REMOTE_PORT'),
  remoteUser: paramName('REMOTE_USER'),
  requestMethod: paramName('REQUEST_METHOD'),
  requestScheme: paramName('REQUEST_SCHEME'),
  requestUri: paramName('REQUEST_URI'),
  scriptFilename: paramName('SCRIPT_FILENAME'),
  scriptName: paramName('SCRIPT_NAME'),
  serverAddr: paramName('SERVER_ADDR'),
  serverName: paramName('SERVER_NAME'),
  serverPort: paramName('SERVER_PORT'),
  serverProtocol: paramName('SERVER_PROTOCOL'),
  serverSoftware: paramName('SERVER_SOFTWARE'),
} as const

/** Upper case, and `_` for everything that is no letter or digit. */
export function cgiName(name: string): string {
  return name.toUpperCase().replace(/[^A-Z0-9]/g, '_')
}
