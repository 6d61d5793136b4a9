/** The `(req, res)` of node:http for a FastCGI request: objects of its own classes, on a {@link GatewaySocket}. */
import { IncomingMessage, ServerResponse } from 'node:http'
import type { CgiRequest } from '../codec/http-request.ts'
import type { FcgiContext } from '../responder/context.ts'
import { GatewaySocket } from './gateway-socket.ts'

/** Anything that node:http calls a request listener; a promise that it answers is awaited for its error alone. */
export type NodeListener = (request: IncomingMessage, response: ServerResponse) => unknown

/**
 * Serves a request with a listener. Resolves when the response was written, or when nobody waits for it any more; rejects
 * with what the listener throws.
 * @param unsized - whether there is a body whose length no header says.
 */
export function serveNode(context: FcgiContext, listener: NodeListener, unsized: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = new GatewaySocket(context)
    const request = createRequest(context, socket, unsized)
    const response = createResponse(request, socket)
    endWithTheLastByte(response, socket, context)
    context.signal.addEventListener('abort', () => abort(request, socket), { once: true })
    response.once('finish', () => {
      finishRequest(request)
      socket.end(() => {
        resolve()
        socket.destroy()
      })
    })
    // The response sees the end of the socket by itself, and says 'close'.
    socket.once('close', () => resolve())
    const fail = (error: unknown): void => {
      reject(error as Error) // whatever it threw is for the log
      if (response.headersSent) socket.destroy()
    }
    try {
      Promise.resolve(listener(request, response)).catch(fail)
    } catch (error) {
      fail(error)
    }
  })
}

function createRequest(context: FcgiContext, socket: GatewaySocket, unsized: boolean): IncomingMessage {
  const { http } = context
  const request = new IncomingMessage(socket)
  const [, major = '1', minor = '0'] = /(\d)(?:\.(\d))?$/.exec(http.version) ?? []
  request.httpVersionMajor = Number(major)
  request.httpVersionMinor = Number(minor)
  request.httpVersion = `${major}.${minor}`
  request.method = http.method
  request.url = http.target
  setHeaders(request, http, unsized)
  // An own property: frameworks put other prototypes below it.
  request._read = readerOf(context, request)
  return request
}

function setHeaders(request: IncomingMessage, http: CgiRequest, unsized: boolean): void {
  const { headers } = http
  request.headers = {}
  request.headersDistinct = {}
  const add = (name: string, key: string, value: string): void => {
    request.rawHeaders.push(name, value)
    request.headers[key] = value
    request.headersDistinct[key] = [value]
  }
  headers.pairs.forEach(([name, value], at) => add(name, headers.keys[at] as string, value)) // the arrays have one length
  // What tells a parser of bodies that there is one.
  if (unsized && !headers.has('transfer-encoding')) add('Transfer-Encoding', 'transfer-encoding', 'chunked')
}

/** STDIN is read when the body is: until then the gateway is held back. */
function readerOf(context: FcgiContext, request: IncomingMessage): () => void {
  let begun = false
  return () => {
    const { stdin } = context
    if (begun) return void stdin.resume()
    begun = true
    stdin.on('data', (chunk: Buffer) => {
      if (!request.push(chunk)) stdin.pause()
    })
    stdin.on('end', () => {
      if (request.complete) return
      request.complete = true
      request.push(null)
    })
  }
}

/** Without chunks, and without a word about a connection: what node:http writes then is a head and a body. */
function createResponse(request: IncomingMessage, socket: GatewaySocket): ServerResponse {
  const response = new ServerResponse(request)
  response.sendDate = false
  response.removeHeader('Transfer-Encoding')
  response.removeHeader('Connection')
  response.assignSocket(socket)
  // The drain of a socket becomes that of its response in the server of node:http, with a flag that only it can reset.
  Object.defineProperty(response, 'writableNeedDrain', {
    get: () => !response.destroyed && !response.writableEnded && socket.writableNeedDrain,
  })
  socket.on('drain', () => {
    if (!response.destroyed && !response.writableEnded) response.emit('drain')
  })
  return response
}

/**
 * END_REQUEST leaves in one write with the last byte, when all that came before has been taken. The events of the response
 * come later, as always.
 */
function endWithTheLastByte(response: ServerResponse, socket: GatewaySocket, context: FcgiContext): void {
  // An own property, as those that middleware puts in its place; `this` is the response for both.
  const end = response.end.bind(response) as (...args: readonly unknown[]) => ServerResponse
  response.end = (...args: readonly unknown[]): ServerResponse => {
    const ended = end(...args)
    if (socket.begun && socket.writableLength === 0) context.end()
    return ended
  }
}

/** As node:http does: a body that nobody read is thrown away, and the request is over with its response. */
function finishRequest(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return
  request.complete = true
  request.removeAllListeners('data')
  request.push(null)
  request.resume()
}

function abort(request: IncomingMessage, socket: GatewaySocket): void {
  if (!request.destroyed && !request.readableEnded) {
    request.destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' }))
  }
  socket.destroy()
}
