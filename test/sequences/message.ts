/**
 * Reads HTTP/1.1 messages for comparison, requests as an origin and responses as a client: heads as they came, bodies
 * without their framing. It is nobody's parser but this tool's, so a fault of a proxy cannot hide in it, and it shows
 * what is there rather than refuse it.
 */

/** A message, or the beginning of one. Text is latin1. */
export interface Message {
  readonly line: string
  /** `name: value`, as they came. */
  readonly headers: readonly string[]
  readonly framing: 'none' | 'length' | 'chunked' | 'close' | 'tunnel'
  readonly body: string
  readonly trailers: readonly string[]
  /** Whether all of it is there; a body until close is complete when the connection has ended. */
  readonly complete: boolean
  /** Characters of the text that are its own. */
  readonly used: number
  /** What cannot be read in it; everything behind it is lost. */
  readonly wrong?: string
}

/** What the text alone does not say. */
export interface Reading {
  readonly side: 'request' | 'response'
  /** The method of the request that a response answers. */
  readonly method?: string
  /** Whether the connection has ended behind the text. */
  readonly ended: boolean
}

/** The first message of the text; undefined when its head is not complete. */
export function readMessage(text: string, reading: Reading): Message | undefined {
  const start = /^(?:\r\n)*/.exec(text)?.[0].length ?? 0
  const end = text.indexOf('\r\n\r\n', start)
  if (end < 0) return undefined
  const [line = '', ...headers] = text.slice(start, end).split('\r\n')
  const head = { line, headers }
  const framing = framingOf(line, headers, reading)
  const at = end + 4
  const whole = { ...head, framing, trailers: [], complete: true }
  if (framing === 'none' || framing === 'tunnel') return { ...whole, body: '', used: at }
  if (framing === 'close') {
    return { ...whole, body: text.slice(at), complete: reading.ended, used: text.length }
  }
  if (framing === 'chunked') return { ...head, framing, ...readChunks(text, at) }
  const length = Number(fieldOf(headers, 'content-length'))
  const body = text.slice(at, at + length)
  return { ...whole, body, complete: body.length === length, used: at + body.length }
}

function framingOf(line: string, headers: readonly string[], reading: Reading): Message['framing'] {
  const chunked = fieldOf(headers, 'transfer-encoding')?.toLowerCase().endsWith('chunked') === true
  const length = fieldOf(headers, 'content-length')
  if (reading.side === 'response') {
    const status = statusOf(line)
    if (status === 101 || (reading.method === 'CONNECT' && status >= 200 && status < 300)) return 'tunnel'
    if (status < 200 || status === 204 || status === 304 || reading.method === 'HEAD') return 'none'
  }
  if (chunked) return 'chunked'
  if (length !== undefined && /^\d+$/.test(length)) return 'length'
  return reading.side === 'response' ? 'close' : 'none'
}

function readChunks(
  text: string,
  start: number,
): Pick<Message, 'body' | 'trailers' | 'complete' | 'used' | 'wrong'> {
  let at = start
  let body = ''
  const partial = () => ({ body, trailers: [], complete: false, used: text.length })
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at)
    if (lineEnd < 0) return partial()
    const digits = /^([0-9a-f]+)\s*(?:;.*)?$/i.exec(text.slice(at, lineEnd))?.[1]
    if (digits === undefined) return { ...partial(), wrong: `a chunk size: ${text.slice(at, lineEnd)}` }
    const size = Number.parseInt(digits, 16)
    at = lineEnd + 2
    if (size === 0) break
    body += text.slice(at, at + size)
    if (text.length < at + size + 2) return partial()
    if (text.slice(at + size, at + size + 2) !== '\r\n') return { ...partial(), wrong: 'the end of a chunk' }
    at += size + 2
  }
  if (text.startsWith('\r\n', at)) return { body, trailers: [], complete: true, used: at + 2 }
  const end = text.indexOf('\r\n\r\n', at)
  if (end < 0) return partial()
  return { body, trailers: text.slice(at, end).split('\r\n'), complete: true, used: end + 4 }
}

/** The status of a response's first line; 0 when there is none. */
export function statusOf(line: string): number {
  return Number(/^HTTP\/\d\.\d (\d{3})(?: |$)/.exec(line)?.[1] ?? 0)
}

/** The value of the last field of that name, which is given in lower case. */
export function fieldOf(headers: readonly string[], name: string): string | undefined {
  const found = headers.findLast((each) => each.toLowerCase().startsWith(`${name}:`))
  return found?.slice(name.length + 1).trim()
}
