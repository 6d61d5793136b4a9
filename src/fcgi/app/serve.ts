/** Node.js applications behind FastCGI: what one would give to node:http is given to {@link serveFcgi} instead. */
import { once } from 'node:events'
import { Server } from 'node:http'
import type { Endpoint } from '../../net/endpoint.ts'
import { hasMethods, isPlainObject, requireArgument } from '../../base/options.ts'
import { readArgument } from '../arguments.ts'
import type { FcgiContext, ServingContext } from '../responder/context.ts'
import type { FcgiHandler, FcgiResponderOptions } from '../responder/options.ts'
import { createFcgiResponder } from '../responder/responder.ts'
import type { FcgiResponderStats } from '../responder/responder.ts'
import { serveFetch } from './fetch-exchange.ts'
import type { FetchHandler } from './fetch-exchange.ts'
import { serveNode } from './node-exchange.ts'
import type { NodeListener } from './node-exchange.ts'

/**
 * An application: a `(request, response)` listener, which an Express application is; a Fastify or Koa application; what has
 * a `fetch`, such as Hono's; an `http.Server` that does not listen.
 */
export type ServableApp =
  | NodeListener
  | Server
  | { readonly fetch: FetchHandler }
  | { readonly callback: () => NodeListener }
  | { readonly routing: NodeListener; readonly ready: () => unknown }

/** Those of the responder, but for what serves a request. */
export type ServeFcgiOptions = Omit<FcgiResponderOptions, 'onRequest'>

/** An application that is being served. */
export interface FcgiAppServer extends AsyncDisposable {
  /** Where it listens: the port that the kernel chose, when 0 was asked for. */
  readonly endpoint: Endpoint
  /** A snapshot. */
  readonly stats: FcgiResponderStats
  /** Stops accepting; resolves when the last request has ended and all connections are closed. */
  close(): Promise<void>
  /** Closes everything now, as `FcgiResponder.destroy`; requests and responses see `close`. */
  destroy(): void
}

/**
 * Serves an application to gateways: nginx, Apache, lighttpd, HAProxy, sluice.
 * @param app - see {@link ServableApp}.
 * @param endpoint - `host:port`, `/path`, `unix@/path`; `fd@0` for the socket that spawn-fcgi or systemd hands over.
 * @throws UsageError `ERR_SLUICE_OPTION`, `ERR_SLUICE_ADDRESS`; FcgiError `ERR_FCGI_LISTEN`
 *
 * @example
 * import { serveFcgi } from 'sluice/fcgi'
 *
 * const server = await serveFcgi((request, response) => {
 *   response.end(`Hello, ${request.socket.remoteAddress}\n`)
 * }, '127.0.0.1:9000')
 */
export async function serveFcgi(
  app: ServableApp,
  endpoint: string | Endpoint,
  options: ServeFcgiOptions = {},
): Promise<FcgiAppServer> {
  requireArgument(isPlainObject(options), 'serveFcgi: the options', 'must be a plain object', options)
  const { ready, onRequest } = readArgument('serveFcgi: the application', () => handlerOf(app))
  const given = readArgument('serveFcgi: the options', () => ({ ...options, onRequest }))
  const responder = createFcgiResponder(given)
  await ready?.()
  const bound = await responder.listen(endpoint)
  return {
    endpoint: bound,
    get stats() {
      return responder.stats
    },
    close: () => responder.close(),
    destroy: () => responder.destroy(),
    [Symbol.asyncDispose]: () => responder.close(),
  }
}

/** What serves the requests of an application, and what is to be done before. */
interface Served {
  readonly ready?: () => unknown
  readonly onRequest: FcgiHandler
}

function handlerOf(app: ServableApp): Served {
  if (typeof app === 'function') return nodeHandler(app)
  if (app instanceof Server) return nodeHandler((request, response) => app.emit('request', request, response))
  if (hasMethods(app, 'fetch')) {
    const fetch = (app as { fetch: FetchHandler }).fetch.bind(app)
    return {
      // The responder calls it with a ServingContext, here and below.
      onRequest: async (context) =>
        serveFetch(context as ServingContext, fetch, (await bodyOf(context)) !== 'none'),
    }
  }
  if (hasMethods(app, 'routing', 'ready')) {
    const { routing, ready } = app as { routing: NodeListener; ready: () => unknown }
    return { ...nodeHandler(routing.bind(app)), ready: () => ready.call(app) }
  }
  const rule = 'must be a function, an application of Express, Fastify, Koa or Hono, or an http.Server'
  requireArgument(hasMethods(app, 'callback'), 'serveFcgi: the application', rule, app)
  return nodeHandler((app as { callback: () => NodeListener }).callback())
}

function nodeHandler(listener: NodeListener): Served {
  return {
    onRequest: (given) => {
      const context = given as ServingContext
      const kind = bodyOf(context)
      if (typeof kind === 'string') return serveNode(context, listener, kind === 'unsized')
      return kind.then((found) => serveNode(context, listener, found === 'unsized'))
    },
  }
}

type BodyKind = 'none' | 'sized' | 'unsized'

/** What body there is: at once when a header says it, or the method. */
function bodyOf(context: FcgiContext): BodyKind | Promise<BodyKind> {
  const { contentLength, method } = context.http
  if (contentLength !== undefined) return contentLength > 0 ? 'sized' : 'none'
  return method === 'GET' || method === 'HEAD' ? 'none' : unsaidBody(context)
}

/** Without CONTENT_LENGTH it shows when its first byte comes, or its end: HTTP says it in the head, and so do parsers of bodies expect it. */
async function unsaidBody({ stdin }: FcgiContext): Promise<BodyKind> {
  if (!stdin.readableEnded && stdin.readableLength === 0) {
    // An error is an abort, of which the application need not hear any more.
    await once(stdin, 'readable').catch(() => {})
  }
  return stdin.readableLength > 0 ? 'unsized' : 'none'
}
