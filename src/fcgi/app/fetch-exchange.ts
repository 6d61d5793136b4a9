/** The `Request` and `Response` of the fetch standard for a FastCGI request. */
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import type { FcgiContext, FcgiReply } from '../responder/context.ts'
import { replyFields } from './reply-fields.ts'

/** What Hono gives as `c.env`, and others as their second argument; `getConnInfo` of @hono/node-server reads it. */
export interface FetchEnvironment {
  /** The parameters as they came. */
  readonly params: ReadonlyMap<string, string>
  /** Where a request of node:http would be. */
  readonly incoming: {
    /** What the parameters say of the client's connection. */
    readonly socket: {
      /** REMOTE_ADDR; undefined without it. */
      readonly remoteAddress: string | undefined
      /** REMOTE_PORT. */
      readonly remotePort: number | undefined
      /** Of `remoteAddress`. */
      readonly remoteFamily: 'IPv4' | 'IPv6' | undefined
      /** Whether the client came over TLS: HTTPS. */
      readonly encrypted: boolean
    }
  }
}

/** Hono's `app.fetch`, and everything that is like it. */
export type FetchHandler = (request: Request, environment: FetchEnvironment) => Response | Promise<Response>

/** Methods that the fetch standard forbids. */
const forbidden = new Set(['CONNECT', 'TRACE', 'TRACK'])

/**
 * Serves a request with a fetch handler.
 * @param hasBody - whether there is a request body.
 */
export async function serveFetch(
  context: FcgiContext,
  handler: FetchHandler,
  hasBody: boolean,
): Promise<FcgiReply> {
  if (forbidden.has(context.http.method)) return { status: 501 }
  const request = createRequest(context, hasBody)
  if (request === undefined) return { status: 400 }
  const { status, headers, body } = await handler(request, environmentOf(context))
  // A stream of node:stream: the responder ends it when the gateway gives up.
  const stream = body === null ? undefined : Readable.fromWeb(body as ReadableStream<Uint8Array>)
  return { status, headers: replyFields(headers), body: stream }
}

/** Undefined for what is no request by the standard: a target that is no URL, a header value that it refuses. */
function createRequest(context: FcgiContext, hasBody: boolean): Request | undefined {
  const { method, target, headers, tls, localAddress } = context.http
  const host = headers.get('host') ?? (localAddress.includes(':') ? `[${localAddress}]` : localAddress)
  const origin = `${tls ? 'https' : 'http'}://${host === '' ? 'localhost' : host}`
  const withBody = hasBody && method !== 'GET' && method !== 'HEAD'
  try {
    return new Request(target.startsWith('/') ? origin + target : new URL(target, origin), {
      method,
      headers: headers.pairs.map(([name, value]): [string, string] => [name, value]),
      signal: context.signal,
      ...(withBody
        ? { body: Readable.toWeb(context.stdin) as globalThis.ReadableStream, duplex: 'half' }
        : {}),
    })
  } catch {
    return undefined
  }
}

function environmentOf({ params, http }: FcgiContext): FetchEnvironment {
  const { remoteAddress, remotePort, tls } = http
  const family = remoteAddress.includes(':') ? 'IPv6' : 'IPv4'
  const socket = {
    remoteAddress: remoteAddress || undefined,
    remotePort: remotePort || undefined,
    remoteFamily: remoteAddress === '' ? undefined : family,
    encrypted: tls,
  } as const
  return { params, incoming: { socket } }
}
