/** The `Request` and `Response` of the fetch standard for a FastCGI request. */
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { FcgiError } from '../errors.ts'
import type { FcgiContext, FcgiReply, ServingContext } from '../responder/context.ts'
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
  context: ServingContext,
  handler: FetchHandler,
  hasBody: boolean,
): Promise<FcgiReply> {
  const { method } = context.http
  if (forbidden.has(method)) return { status: 501 }
  let answered = false
  const isTaken = hasBody && method !== 'GET' && method !== 'HEAD'
  const body = isTaken ? readBody(context, () => answered) : undefined
  const request = createRequest(context, body)
  if (request === undefined) return { status: 400 }
  const response = await handler(request, environmentOf(context))
  answered = true
  return replyOf(response, method)
}

function replyOf({ status, headers, body }: Response, method: string): FcgiReply {
  if (body !== null && method === 'HEAD') {
    // Gateways take one for a fault; a handler that has locked it will not be reading it.
    body.cancel().catch(() => {})
    return { status, headers: replyFields(headers) }
  }
  // A stream of node:stream: the responder ends it when the gateway gives up.
  const stream = body === null ? undefined : Readable.fromWeb(body as ReadableStream<Uint8Array>)
  return { status, headers: replyFields(headers), body: stream }
}

/** Undefined for what is no request by the standard: a target that is no URL, a header value that it refuses. */
function createRequest(context: FcgiContext, body: Readable | undefined): Request | undefined {
  const { method, target, headers, tls, localAddress } = context.http
  const host = headers.get('host') ?? (localAddress.includes(':') ? `[${localAddress}]` : localAddress)
  const origin = `${tls ? 'https' : 'http'}://${host === '' ? 'localhost' : host}`
  try {
    return new Request(target.startsWith('/') ? origin + target : new URL(target, origin), {
      method,
      headers: headers.pairs.map(([name, value]): [string, string] => [name, value]),
      signal: context.signal,
      ...(body === undefined
        ? {}
        : { body: Readable.toWeb(body) as globalThis.ReadableStream, duplex: 'half' }),
    })
  } catch {
    return undefined
  }
}

/**
 * STDIN. One that ends before CONTENT_LENGTH says is an upload that broke off (FastCGI 6.2): its reader sees an error, and the
 * gateway status 400 when nothing was answered.
 */
function readBody(context: ServingContext, answered: () => boolean): Readable {
  const pieces = async function* (): AsyncGenerator<Buffer> {
    let missing = context.http.contentLength ?? 0
    for await (const chunk of context.stdin as AsyncIterable<Buffer>) {
      missing -= chunk.length
      yield chunk
    }
    // What nobody read before the response was over is thrown away.
    if (missing <= 0 || context.over) return
    if (!answered()) {
      context.writeHead(400)
      context.end(1)
    }
    throw new FcgiError('ERR_FCGI_ABORTED', `${missing} bytes of the body are missing`, { fault: 'peer' })
  }
  return Readable.from(pieces(), { objectMode: false })
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
