/** The `(req, res)` of node:http for a FastCGI request: objects of its own classes, on a {@link GatewaySocket}. */
import { IncomingMessage, ServerResponse } from 'node:http'
import { isPromise } from '../../base/promise.ts'
import type { CgiRequest } from '../codec/http-request.ts'
import type { ServingContext } from '../responder/context.ts'
import { GatewaySocket } from './gateway-socket.ts'
import { admitTrailers } from './trailers.ts'

/** Anything that node:http calls a request listener; a promise that it answers is awaited for its error alone. */
export type NodeListener = (request: IncomingMessage, response: ServerResponse) => unknown

/**
 * Serves a request with a listener. The promise, of a response that is not written when the listener returns, resolves when it
 * is, or when nobody waits for it any more, and rejects with what the listener throws.
 * @param unsized - whether there is a body whose length no header says.
 * @throws what the listener throws.
 */
export function serveNode(
  context: ServingContext,
  listener: NodeListener,
  unsized: boolean,
): Promise<void> | undefined {
  const exchange = new NodeExchange(context, unsized)
  const { request, response } = exchange.parts
  try {
    const result = listener(request, response)
    if (isPromise(result)) result.then(undefined, (error: unknown) => exchange.fail(error))
  } catch (error) {
    exchange.breakOff()
    throw error
  }
  return context.over ? undefined : exchange.done()
}

interface Parts {
  readonly context: ServingContext
  readonly socket: GatewaySocket
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/**
 * Listeners know a request through this alone, and it lets go of it when all is over. What keeps the listeners of an emitter is
 * among the things that V8 may come to allocate in old space, and what hangs on a dead one there lives until the next full
 * collection: it was a third of all requests, and most of the time went into copying them.
 */
class NodeExchange {
  #parts: Parts | undefined
  #settled = false
  /** Most responses are not told to wait, and need no listener for that. */
  #awaitsDrain = false
  #resolve: (() => void) | undefined
  #reject: ((error: unknown) => void) | undefined

  constructor(context: ServingContext, unsized: boolean) {
    const socket = new GatewaySocket(context)
    const request = createRequest(context, socket, unsized)
    request._read = readerOf(context, request, () => this.#cutShort())
    const response = createResponse(request, socket)
    this.#parts = { context, socket, request, response }
    context.onAborted = () => this.#abort()
    response.on('prefinish', () => this.#lastByte())
    response.on('finish', () => this.#finished())
    // The response sees the end of the socket by itself, and says 'close'.
    socket.on('close', () => this.#closed())
    socket.onBlocked = () => this.#awaitDrain()
    socket.onSilent = () => this.#silent()
  }

  /** Before anything has happened. */
  get parts(): Parts {
    return this.#parts as Parts // let go of when all is over
  }

  /** When the response is written, or nobody waits for it any more. */
  done(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#settled) return resolve()
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /** Whatever was thrown is for the log. */
  fail(error: unknown): void {
    this.#reject?.(error)
    this.breakOff()
  }

  /** What has begun cannot become an error page any more. */
  breakOff(): void {
    if (this.#parts?.response.headersSent === true) this.#parts.socket.destroy()
  }

  /** END_REQUEST leaves in one write with the last byte, when all that came before has been taken. */
  #lastByte(): void {
    if (this.#parts === undefined) return
    const { socket, context } = this.#parts
    if (socket.begun && socket.writableLength === 0) context.end()
  }

  #finished(): void {
    if (this.#parts === undefined) return
    const { socket, request } = this.#parts
    finishRequest(request)
    socket.complete()
    this.#settle()
  }

  #closed(): void {
    this.#settle()
    const parts = this.#parts
    this.#parts = undefined
    // Of a response that was broken off here: whoever reads the request waits for more of it.
    if (parts?.response.writableFinished === false) abortRequest(parts.request)
  }

  #settle(): void {
    this.#settled = true
    this.#resolve?.()
  }

  #awaitDrain(): void {
    if (this.#awaitsDrain) return
    this.#awaitsDrain = true
    this.#parts?.socket.on('drain', () => this.#drained())
  }

  /** The drain of a socket becomes that of its response in the server of node:http, with a flag that only it can reset. */
  #drained(): void {
    if (this.#parts === undefined) return
    const { socket, response } = this.#parts
    if (response.destroyed || response.writableEnded) return
    if (!Object.hasOwn(response, 'writableNeedDrain')) {
      Object.defineProperty(response, 'writableNeedDrain', {
        get: () => !response.destroyed && !response.writableEnded && socket.writableNeedDrain,
      })
    }
    response.emit('drain')
  }

  /** As the server of node:http does: whoever hears of it decides what becomes of the response. */
  #silent(): void {
    if (this.#parts === undefined) return
    const { socket, request, response } = this.#parts
    const isHeard = !request.complete && request.emit('timeout', socket)
    if (!response.emit('timeout', socket) && !isHeard) socket.destroy()
  }

  /**
   * A body that is shorter than CONTENT_LENGTH says is an upload that broke off (FastCGI 6.2). Listeners trust node:http with
   * that: to them it is a client that has left.
   */
  #cutShort(): void {
    if (this.#parts === undefined) return
    const { socket, context } = this.#parts
    if (!socket.begun && !context.over) {
      context.writeHead(400)
      context.end(1)
    }
    this.#abort()
  }

  #abort(): void {
    if (this.#parts === undefined) return
    const { socket, request } = this.#parts
    abortRequest(request)
    socket.destroy()
  }
}

/** As node:http does when the connection of a client is gone. */
function abortRequest(request: IncomingMessage): void {
  if (request.destroyed || request.readableEnded) return
  request.destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' }))
}

const httpVersion = /(\d)(?:\.(\d))?$/

function createRequest(context: ServingContext, socket: GatewaySocket, unsized: boolean): IncomingMessage {
  const { http } = context
  const request = new IncomingMessage(socket)
  const [, major = '1', minor = '0'] =
    http.version === 'HTTP/1.1' ? http11 : (httpVersion.exec(http.version) ?? [])
  request.httpVersionMajor = Number(major)
  request.httpVersionMinor = Number(minor)
  request.httpVersion = `${major}.${minor}`
  request.method = http.method
  request.url = http.target
  setHeaders(request, http, unsized)
  return request
}

const http11 = ['', '1', '1'] as const

function setHeaders(request: IncomingMessage, { headers }: CgiRequest, unsized: boolean): void {
  const { fields, values } = headers
  const { rawHeaders } = request
  const plain: Record<string, string> = {}
  const distinct: Record<string, string[]> = {}
  const add = (name: string, key: string, value: string): void => {
    rawHeaders.push(name, value)
    plain[key] = value
    distinct[key] = [value]
  }
  // The arrays have one length.
  for (const [at, { name, key }] of fields.entries()) add(name, key, values[at] as string)
  // What tells a parser of bodies that there is one.
  if (unsized && !headers.has('transfer-encoding')) add('Transfer-Encoding', 'transfer-encoding', 'chunked')
  request.headers = plain
  request.headersDistinct = distinct
}

/**
 * STDIN is read when the body is: until then the gateway is held back. It becomes an own property, for frameworks put other
 * prototypes below the request.
 */
function readerOf(context: ServingContext, request: IncomingMessage, cutShort: () => void): () => void {
  let begun = false
  let missing = context.http.contentLength ?? 0
  return () => {
    const { stdin } = context
    if (begun) return void stdin.resume()
    begun = true
    stdin.on('data', (chunk: Buffer) => {
      missing -= chunk.length
      ;(request.socket as GatewaySocket).stir()
      if (!request.push(chunk)) stdin.pause()
    })
    const onEnd = (): void => {
      if (request.complete) return
      if (missing > 0) return cutShort()
      request.complete = true
      request.push(null)
    }
    // An empty body of unsaid length has shown that by ending.
    if (stdin.readableEnded) onEnd()
    else stdin.on('end', onEnd)
  }
}

/** Without chunks, and without a word about a connection: what node:http writes then is a head and a body. */
function createResponse(request: IncomingMessage, socket: GatewaySocket): ServerResponse {
  const response = new ServerResponse(request)
  response.sendDate = false
  response.removeHeader('Transfer-Encoding')
  response.removeHeader('Connection')
  response.assignSocket(socket)
  admitTrailers(response)
  return response
}

/** As node:http does: a body that nobody read is thrown away, and the request is over with its response. */
function finishRequest(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return
  request.complete = true
  request.removeAllListeners('data')
  request.push(null)
  request.resume()
}
