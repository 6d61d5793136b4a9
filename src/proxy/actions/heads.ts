/** The heads that actions work on. */
import type { HeaderList, RequestHead, ResponseHead } from '../../http1/index.ts'
import type { ProxyStream } from '../stream/stream.ts'

/** What streams in HTTP mode have. */
export interface HttpHeads {
  readonly head: RequestHead | undefined
  readonly responseHead: ResponseHead | undefined
  /** Sends a response with status 1xx ahead, to a client that knows what that is. */
  onServerInformational(head: ResponseHead): void
}

/** Undefined for a stream in TCP mode. */
export function httpHeads(stream: ProxyStream): HttpHeads | undefined {
  // The guard is the property; importing the class would be an arrow that points up.
  return 'responseHead' in stream ? (stream as unknown as HttpHeads) : undefined
}

/** The request, if there is one. */
export function requestHead(stream: ProxyStream): RequestHead | undefined {
  return httpHeads(stream)?.head
}

/** The response, if there is one. */
export function responseHead(stream: ProxyStream): ResponseHead | undefined {
  return httpHeads(stream)?.responseHead
}

/** The headers that rules of the current phase work on. */
export function headersOf(stream: ProxyStream): HeaderList | undefined {
  const head = stream.direction === 'request' ? requestHead(stream) : responseHead(stream)
  return head?.headers
}
