/**
 * How many bytes HAProxy counts for a message: `%B` of a log line is the size of its inner form (HTX), not of what is
 * on the wire. 20 bytes stand for the start line's fixed part, one for the end of the headers.
 */
import { Framing } from '../../http1/index.ts'
import type { HeaderList, HeaderName } from '../../http1/index.ts'

const startLine = 20
const end = 1

/** The size of header fields, and of their end. */
function fieldsSize(headers: HeaderList): number {
  const { fields, values } = headers
  let size = end
  for (let at = 0; at < fields.length; at++) {
    size += (fields[at] as HeaderName).key.length + (values[at] as string).length // the arrays have one length
  }
  return size
}

/** What the end of a body takes: chunked ones end with trailers, if only with the end of none. */
export function endSize(framing: Framing, trailers: HeaderList | undefined): number {
  if (framing !== Framing.Chunked) return 0
  return trailers === undefined ? end : fieldsSize(trailers)
}

/** The size of a response head. */
export function responseSize(reason: string, headers: HeaderList): number {
  return startLine + 'HTTP/1.1'.length + 3 + reason.length + fieldsSize(headers)
}

/** The size of a request head. */
export function requestSize(method: string, target: string, headers: HeaderList): number {
  return startLine + 'HTTP/1.1'.length + method.length + target.length + fieldsSize(headers)
}
