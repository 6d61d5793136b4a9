/** PHP in a Node.js server: {@link phpFpm} is a handler for node:http and for the frameworks upon it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { FcgiClientStats } from '../client/client.ts'
import { answerFetch } from './fetch-handler.ts'
import type { FetchConnection } from './fetch-handler.ts'
import { PhpGateway } from './gateway.ts'
import { belowPrefix, cutOff, mountedOf } from './mounted.ts'
import { answerNode } from './node-handler.ts'
import { resolvePhpOptions } from './options.ts'
import type { PhpFpmOptions } from './options.ts'

/** Of a Koa context, what is used. */
export interface KoaContext {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly url: string
  readonly originalUrl: string
  respond?: boolean | undefined
}

/** Of a Hono context, what is used; `env.incoming` is there on @hono/node-server. */
export interface HonoContext {
  readonly req: { readonly raw: Request }
  readonly env: unknown
}

/** Of a Fastify instance, what is used. */
export interface FastifyInstance {
  readonly prefix: string
  removeAllContentTypeParsers(): unknown
  addContentTypeParser(
    type: string,
    parser: (request: never, payload: never, done: (error: Error | null) => void) => void,
  ): unknown
  all(path: string, handler: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>): unknown
}

/** Of a Fastify request, what is used. */
export interface FastifyRequest {
  readonly raw: IncomingMessage
}

/** Of a Fastify reply, what is used. */
export interface FastifyReply {
  readonly raw: ServerResponse
  hijack(): unknown
  getHeaders(): Readonly<Record<string, number | string | readonly string[] | undefined>>
  callNotFound(): unknown
}

/** What the Fastify plugin can be told. */
export interface FastifyPhpOptions {
  /** Serves what is not PHP's. @default Fastify's handler for what is not found */
  onOther?(this: void, request: FastifyRequest, reply: FastifyReply): unknown
}

/**
 * A handler. As it stands it is for node:http, node:http2 and Express: `next` is called when a request is not PHP's, a file for
 * example; without it that is status 404. It resolves when the response is over, and never rejects.
 */
export interface PhpFpm extends AsyncDisposable {
  (
    request: IncomingMessage | Http2ServerRequest,
    response: ServerResponse | Http2ServerResponse,
    next?: (error?: unknown) => void,
  ): Promise<void>
  /** A plugin for Fastify: `app.register(php.fastify)`, with a `prefix` for a mount. */
  readonly fastify: (instance: FastifyInstance, options?: FastifyPhpOptions) => Promise<void>
  /** Middleware for Koa: `app.use(php.koa)`. */
  readonly koa: (context: KoaContext, next: () => Promise<unknown>) => Promise<unknown>
  /** Middleware for Hono: `app.use(php.hono)`. */
  readonly hono: (context: HonoContext, next: () => Promise<void>) => Promise<Response | void>
  /** For anything else that has a `Request`: undefined when it is not PHP's. */
  readonly fetch: (request: Request, connection?: FetchConnection) => Promise<Response | undefined>
  /** A snapshot. */
  readonly stats: FcgiClientStats
  /** Takes no more requests; resolves when the last one has ended and all connections are closed. */
  close(): Promise<void>
}

/**
 * Creates a handler that has php-fpm run the scripts below a folder, and leaves files to whoever serves files. Mount it
 * **before** that, which would hand out the scripts as text.
 * @throws UsageError `ERR_SLUICE_OPTION`, `ERR_SLUICE_ADDRESS`
 *
 * @example
 * import { createServer } from 'node:http'
 * import { phpFpm } from 'sluice/fcgi'
 *
 * const php = phpFpm({ root: '/srv/www', socket: '/run/php/php8.2-fpm.sock' })
 * createServer(php).listen(8080)
 */
export function phpFpm(options: PhpFpmOptions): PhpFpm {
  const gateway = new PhpGateway(resolvePhpOptions(options))
  const handler = async (
    request: IncomingMessage,
    response: ServerResponse,
    next?: (error?: unknown) => void,
  ): Promise<void> => {
    const mounted = mountedOf(request)
    const decision = await gateway.decide(mounted.target, request)
    if (decision.kind !== 'other') return answerNode(gateway, decision, request, response, mounted)
    if (next !== undefined) return next()
    await answerNode(gateway, { kind: 'status', status: 404 }, request, response, mounted)
  }
  const faces = {
    fastify: fastifyPlugin(gateway),
    koa: koaMiddleware(gateway),
    hono: honoMiddleware(gateway),
    fetch: (request: Request, connection: FetchConnection = {}) => answerFetch(gateway, request, connection),
    close: () => gateway.client.close(),
    [Symbol.asyncDispose]: () => gateway.client.close(),
  }
  // Those of HTTP/2 are what those of HTTP/1 are, but for their types.
  const php = Object.assign(handler as (...given: Parameters<PhpFpm>) => Promise<void>, faces, {
    stats: gateway.client.stats,
  })
  return Object.defineProperty(php, 'stats', { get: () => gateway.client.stats })
}

function fastifyPlugin(gateway: PhpGateway): PhpFpm['fastify'] {
  return async (instance, { onOther } = {}) => {
    // Bodies go to PHP as they come.
    instance.removeAllContentTypeParsers()
    instance.addContentTypeParser('*', (_request, _payload, done) => done(null))
    const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
      const { raw } = request
      const mounted = belowPrefix(raw, instance.prefix)
      const decision = await gateway.decide(mounted.target, raw)
      if (decision.kind === 'other')
        return onOther === undefined ? reply.callNotFound() : onOther(request, reply)
      reply.hijack()
      for (const [name, value] of Object.entries(reply.getHeaders())) {
        if (value !== undefined) reply.raw.setHeader(name, value)
      }
      return answerNode(gateway, decision, raw, reply.raw, mounted)
    }
    instance.all('/*', handler)
    // The mount itself; without one that is a route of whoever else has it.
    if (instance.prefix.length > 1) instance.all('/', handler)
  }
}

function koaMiddleware(gateway: PhpGateway): PhpFpm['koa'] {
  return async (context, next) => {
    const { req, res, url, originalUrl } = context
    const mounted = cutOff(originalUrl, url)
    const decision = await gateway.decide(mounted.target, req)
    if (decision.kind === 'other') return next()
    context.respond = false
    return answerNode(gateway, decision, req, res, mounted)
  }
}

function honoMiddleware(gateway: PhpGateway): PhpFpm['hono'] {
  return async ({ req, env }, next) => {
    const { incoming } = (env ?? {}) as { incoming?: IncomingMessage }
    return (await answerFetch(gateway, req.raw, incoming?.socket ?? {})) ?? next()
  }
}
