/**
 * A connection to an HTTP/1.1 server: one request at a time, kept for the next one when the server allows it. It frames
 * bodies, watches `timeout server`, and tells the stream whose request it carries.
 */
import type { Socket } from 'node:net'
import {
  ConnectionOption,
  Framing,
  Http1Error,
  isPersistent,
  parseResponseHead,
  responseFraming,
} from '../../http1/index.ts'
import type { HeaderList, ResponseHead } from '../../http1/index.ts'
import { Deadline } from '../deadline.ts'
import { MessageReader } from '../wire/message-reader.ts'
import type { ReaderSink } from '../wire/message-reader.ts'
import { gather } from '../wire/outgoing.ts'
import { idleTimeout } from './server.ts'
import type { Server } from './server.ts'
import { sampleEndpoint } from '../client/session.ts'
import type { SampleEndpoint } from '../../sample/stream.ts'
import type { ServerFailure, ServerTransport, TransportClient } from './server-transport.ts'

/** Heads with a 1xx status before a response is taken for nonsense. */
const maxInformational = 64

/** See the head of this file. */
export class HttpServerConnection implements ReaderSink, ServerTransport {
  readonly #socket: Socket
  readonly server: Server
  readonly #reader: MessageReader
  readonly #deadline: Deadline
  /** Requests that it has carried, the current one included. */
  requests = 0
  #client: TransportClient | undefined
  #method = ''
  /** A request head that is not sent yet, so that it can leave with the body. */
  #head = ''
  #chunked = false
  #requestDone = false
  #informational = 0
  #reusable = false
  #tunnel = false
  #closed = false

  constructor(socket: Socket, server: Server) {
    this.#socket = socket
    this.server = server
    const { maxHeadSize } = server.backend.proxy.settings
    this.#reader = new MessageReader(socket, this, maxHeadSize)
    this.#deadline = new Deadline(() => this.#onDeadline())
    socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    socket.on('end', () => this.#onEnd())
    socket.on('drain', () => this.#onDrain())
    socket.on('error', () => this.#onClosed())
    socket.on('close', () => this.#onClosed())
  }

  get peer(): SampleEndpoint | undefined {
    return sampleEndpoint(this.#socket.remoteAddress, this.#socket.remotePort)
  }

  get local(): SampleEndpoint | undefined {
    return sampleEndpoint(this.#socket.localAddress, this.#socket.localPort)
  }

  get reused(): boolean {
    return this.requests > 1
  }

  // From the stream.

  begin(client: TransportClient, method: string, head: string, framing: Framing): void {
    this.requests++
    this.#client = client
    this.#method = method
    this.#head = head
    this.#chunked = framing === Framing.Chunked
    this.#requestDone = framing === 0
    this.#informational = 0
    this.#reader.expectHead()
    this.#watch()
  }

  sendBody(pieces: readonly Buffer[], done: boolean, trailers: HeaderList | undefined): boolean {
    if (done) this.#requestDone = true
    const bytes = gather(this.#head, pieces, this.#chunked, done, trailers)
    this.#head = ''
    if (bytes === undefined) return true
    this.#watch()
    return this.#socket.write(bytes)
  }

  sendRaw(chunk: Buffer): boolean {
    this.#watch()
    return this.#socket.write(chunk)
  }

  endRaw(): void {
    this.#socket.end()
  }

  flush(): void {
    if (this.#head === '') return
    const head = this.#head
    this.#head = ''
    this.#socket.write(head, 'latin1')
  }

  hold(): void {
    this.#reader.hold()
    // It is not the server that we wait for now.
    this.#deadline.disarm()
  }

  release(): void {
    this.#watch()
    this.#reader.release()
  }

  tunnel(): void {
    this.#tunnel = true
    this.#reader.expectRaw()
    this.#watch()
  }

  /** The stream is through with it: it is kept, or closed. */
  finish(): void {
    this.#client = undefined
    const keep = this.#reusable && this.#requestDone && !this.#closed && !this.#reader.ended
    if (!keep || this.#reader.pending || !this.server.putIdle(this)) return this.destroy()
    // A response without a body ends while its rules still hold it.
    this.#reader.rest()
    this.#deadline.arm(idleTimeout)
  }

  destroy(): void {
    if (this.#closed) return
    this.#closed = true
    this.#client = undefined
    this.#deadline.stop()
    this.server.dropIdle(this)
    this.#socket.destroy()
  }

  /** `timeout server` counts while the server has something to do. */
  #watch(): void {
    const { server, tunnel } = this.server.backend.plan.model.timeouts
    this.#deadline.arm(this.#tunnel ? (tunnel ?? server) : server)
  }

  // From the socket.

  #onData(chunk: Buffer): void {
    if (this.#client === undefined) return this.destroy() // an idle server has nothing to say
    this.#watch()
    try {
      this.#reader.push(chunk)
    } catch (error) {
      // A fault of ours costs this stream, and nothing else.
      const { settings } = this.server.backend.proxy
      settings.logger.error({ err: error, server: this.server.name }, 'a connection to a server failed')
      this.#fail('invalid')
    }
  }

  #onDrain(): void {
    const client = this.#client
    if (client === undefined) return
    this.#watch()
    client.onServerDrain()
  }

  #onEnd(): void {
    const client = this.#client
    if (client === undefined) return this.destroy()
    const how = this.#reader.end()
    if (how === 'later') return
    if (this.#tunnel) return client.onServerRawEnd()
    if (how !== 'done') return this.#fail('closed')
    this.#reusable = false
    this.#deadline.disarm()
    client.onServerBody([], true, undefined)
  }

  #onClosed(): void {
    if (this.#closed) return
    this.#fail('closed')
  }

  #onDeadline(): void {
    if (this.#client === undefined) return this.destroy()
    this.#fail('timeout')
  }

  #fail(why: ServerFailure, error?: Http1Error): void {
    const client = this.#client
    this.destroy()
    client?.onServerFailed(why, error)
  }

  // From the reader.

  onBegin(): void {}

  onHead(bytes: Buffer, start: number, end: number): void {
    const head = parseResponseHead(bytes, start, end, this.server.backend.proxy.settings.maxHeaders)
    if (head.status < 200 && head.status !== 101) {
      if (++this.#informational > maxInformational) {
        throw new Http1Error('ERR_HTTP1_STATUS_LINE', `more than ${maxInformational} informational responses`)
      }
      this.#reader.expectHead()
      this.#client?.onServerInformational(head)
      return
    }
    const framing = responseFraming(head, this.#method)
    this.#reusable = framing !== Framing.UntilClose && this.#mayReuse(head)
    if (!this.#reader.expectBody(framing)) this.#deadline.disarm()
    this.#client?.onServerHead(head, framing)
  }

  #mayReuse(head: ResponseHead): boolean {
    return isPersistent(head.minor, head.connection) && (head.connection & ConnectionOption.Close) === 0
  }

  onBody(pieces: readonly Buffer[], done: boolean): void {
    if (done) this.#deadline.disarm()
    this.#client?.onServerBody(pieces, done, this.#reader.trailers)
  }

  onRaw(chunk: Buffer): void {
    this.#client?.onServerRaw(chunk)
  }

  /** More than the response: the connection cannot be used again, and what came is not passed on. */
  onUnexpected(): void {
    this.#reusable = false
    if (this.#client === undefined) this.destroy()
  }

  onPause(): void {
    this.#client?.onServerPause()
    // The end came while something was waiting; now its turn has come.
    if (this.#client !== undefined && this.#reader.ended) this.#onEnd()
  }

  onInvalid(error: Http1Error): void {
    this.#fail('invalid', error)
  }
}
