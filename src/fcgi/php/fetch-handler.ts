/** {@link phpFpm} for `Request` and `Response` of the fetch standard. */
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { HeaderList } from '../../http1/index.ts'
import type { FcgiResponse } from '../client/response.ts'
import { FcgiError } from '../errors.ts'
import { errorAnswer } from './gateway.ts'
import type { ErrorAnswer, PhpGateway } from './gateway.ts'
import { redirectTo } from './mounted.ts'
import type { GatewayRequest, RunDecision } from './parameters.ts'

/** What a `Request` does not say of its connection, and of where it is served. */
export interface FetchConnection {
  /** Where the handler is mounted, as `/blog`: what is not below that is left to others. @default the root of all paths */
  readonly base?: string | undefined
  /** Where the client connected from. */
  readonly remoteAddress?: string | undefined
  /** The port of that. */
  readonly remotePort?: number | undefined
  /** Where it connected to. */
  readonly localAddress?: string | undefined
  /** The port of that. */
  readonly localPort?: number | undefined
}

/** Answers a request that may be PHP's; undefined when it is left to others. Never rejects. */
export async function answerFetch(
  gateway: PhpGateway,
  request: Request,
  connection: FetchConnection,
): Promise<Response | undefined> {
  const url = new URL(request.url)
  const base = (connection.base ?? '').replace(/\/$/, '')
  const path = url.pathname
  if (!path.startsWith(base) || !/^(?:\/|$)/.test(path.slice(base.length))) return undefined
  const decision = await gateway.decide(path.slice(base.length) + url.search, request)
  if (decision.kind === 'other') return undefined
  if (decision.kind === 'status') return toResponse(errorAnswer(decision.status))
  if (decision.kind === 'redirect')
    return toResponse(errorAnswer(301), { Location: redirectTo(base, decision.location) })
  try {
    return await run(gateway, request, describe(request, url, base, connection), decision)
  } catch (error) {
    return toResponse(gateway.failed(error, request))
  }
}

function toResponse({ status, text }: ErrorAnswer, headers: Record<string, string> = {}): Response {
  return new Response(text, { status, headers: { 'Content-Type': 'text/plain', ...headers } })
}

/** Statuses whose responses have no body, and of which the standard allows none. */
const nullBody = new Set([204, 205, 304])

async function run(
  gateway: PhpGateway,
  request: Request,
  described: GatewayRequest,
  decision: RunDecision,
): Promise<Response> {
  const params = gateway.parameters(described, decision, request)
  if (request.bodyUsed) throw new FcgiError('ERR_FCGI_BODY_READ')
  const body =
    request.body === null || described.body === 'none'
      ? undefined
      : Readable.fromWeb(request.body as ReadableStream<Uint8Array>)
  const response = await gateway.client.request({ params, body, signal: request.signal })
  try {
    return standardResponse(response, request.method)
  } catch (error) {
    // Nobody will read it.
    response.body.destroy()
    throw error
  }
}

/** @throws FcgiError of a response that has failed already, or has a status that the standard does not know. */
function standardResponse(response: FcgiResponse, method: string): Response {
  const { status, reason: statusText } = response
  if (status > 599) throw new FcgiError('ERR_FCGI_STATUS', `${status}, and a Response has none above 599`)
  const headers = new Headers()
  for (const [name, value] of response.headers) headers.append(name, value)
  if (response.body.errored !== null && method !== 'HEAD') throw response.body.errored
  return new Response(bodyOf(response, method), { status, statusText, headers })
}

function bodyOf({ status, body }: FcgiResponse, method: string): globalThis.ReadableStream | null {
  if (method !== 'HEAD' && !nullBody.has(status)) return Readable.toWeb(body) as globalThis.ReadableStream
  body.resume()
  return null
}

function describe(request: Request, url: URL, base: string, connection: FetchConnection): GatewayRequest {
  const headers = HeaderList.from(request.headers)
  // Servers take it from the Host header.
  if (!headers.has('host')) headers.add('Host', url.host)
  const tls = url.protocol === 'https:'
  const sized = headers.has('content-length')
  return {
    method: request.method,
    target: url.pathname + url.search,
    version: 'HTTP/1.1',
    headers,
    remoteAddress: connection.remoteAddress ?? '',
    remotePort: connection.remotePort ?? 0,
    localAddress: connection.localAddress ?? '',
    localPort: connection.localPort ?? Number(url.port || (tls ? 443 : 80)),
    tls,
    base,
    body: request.body === null ? 'none' : sized ? 'sized' : 'unsized',
  }
}
