/**
 * A client's HTTP/1.1 connection: reads requests one after the other (pipelined ones wait in the socket), makes a stream
 * of each, writes what the stream answers, and watches the client's timeouts.
 */
import { monotonic, wallClock } from '../../clock.ts'
import { isPersistent, parseRequestHead } from '../../http1/index.ts'
import type { HeaderList, Http1Error, RequestHead } from '../../http1/index.ts'
import { Deadline } from '../deadline.ts'
import { rawErrorPage } from '../stream/error-page.ts'
import { HttpStream } from '../stream/http-stream.ts'
import { MessageReader } from '../wire/message-reader.ts'
import type { ReaderSink } from '../wire/message-reader.ts'
import { gather } from '../wire/outgoing.ts'
import type { Session } from './session.ts'
import { StreamTimes } from '../stream/times.ts'
import type { Cause } from '../stream/stream.ts'

/** What the client's deadline is about. */
type Waiting = 'nothing' | 'first-byte' | 'request' | 'next-request' | 'client' | 'linger'

/** See the head of this file. */
export class HttpConnection implements ReaderSink {
  readonly session: Session
  readonly #reader: MessageReader
  readonly #deadline: Deadline
  #waiting: Waiting = 'nothing'
  #stream: HttpStream | undefined
  /** A response head that is not sent yet, so that it can leave with the body. */
  #head = ''
  #blocked = false
  #tunnel = false
  #ending = false
  #closed = false
  #begun: number
  #beginDate: number

  constructor(session: Session) {
    this.session = session
    this.#begun = session.accepted
    this.#beginDate = session.acceptDate
    const { socket } = session
    this.#reader = new MessageReader(socket, this, session.frontend.proxy.settings.maxHeadSize)
    this.#deadline = new Deadline(() => this.#onDeadline())
    this.#reader.expectHead()
    this.#wait('first-byte')
    socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    socket.on('end', () => this.#onEnd())
    socket.on('drain', () => this.#onDrain())
    socket.on('error', () => this.#onGone())
    socket.on('close', () => this.#onGone())
  }

  /** Whether a request is in progress. */
  get busy(): boolean {
    return this.#stream !== undefined || this.#reader.midHead
  }

  /** Whether the client has ended its side. */
  get clientEnded(): boolean {
    return this.#reader.ended
  }

  // From the stream.

  holdBody(): void {
    this.#reader.hold()
    this.#watch()
  }

  releaseBody(): void {
    this.#reader.release()
    this.#watch()
  }

  /** Reads what is there of the body; answers whether it is complete. */
  drainBody(): boolean {
    return this.#reader.drain()
  }

  /** Keeps the head back until `write` or `flush`. */
  sendHead(text: string): void {
    this.#head += text
  }

  /** Sends a piece of the body. False: wait for `onClientDrain`. */
  write(
    pieces: readonly Buffer[],
    chunked: boolean,
    done: boolean,
    trailers: HeaderList | undefined,
  ): boolean {
    const bytes = gather(this.#head, pieces, chunked, done, trailers)
    this.#head = ''
    return bytes === undefined || this.#send(bytes)
  }

  flush(): void {
    if (this.#head === '') return
    const head = this.#head
    this.#head = ''
    if (!this.session.socket.write(head, 'latin1')) this.#block()
  }

  /** The trailers of the request. */
  get trailers(): HeaderList | undefined {
    return this.#reader.trailers
  }

  tunnel(): void {
    this.#tunnel = true
    this.#reader.expectRaw()
    this.#watch()
  }

  endRaw(): void {
    this.session.socket.end()
  }

  /** The stream is over; with `keep` the next request is read. */
  finish(keep: boolean): void {
    this.#stream = undefined
    this.flush()
    const last = this.#reader.ended && !this.#reader.pending
    if (!keep || last || this.session.frontend.proxy.closing) return this.end()
    this.#reader.expectHead()
    // A client that does not read its answers gets no further ones.
    if (this.#blocked) {
      this.#reader.hold()
      this.#wait('client')
      return
    }
    this.#wait('next-request')
    // The stream may have held back the rest of a body that nobody wants any more.
    this.#reader.release()
  }

  /** Ends the connection once what was written is sent; what the client still sends is thrown away for a while. */
  end(): void {
    if (this.#ending || this.#closed) return
    this.#ending = true
    this.#stream = undefined
    this.flush()
    this.session.socket.end()
    if (this.#reader.ended) {
      this.#wait('linger')
      return
    }
    this.#reader.discard()
    this.#wait('linger')
  }

  /** Ends the connection at once. */
  destroy(): void {
    this.#stream = undefined
    this.session.socket.destroy()
    this.#onGone()
  }

  /** The proxy is being closed: a connection without a request in progress has no reason to stay. */
  closeIfIdle(): void {
    if (!this.busy && !this.#ending) this.end()
  }

  #send(bytes: Buffer): boolean {
    const more = this.session.socket.write(bytes)
    if (!more) this.#block()
    return more
  }

  #block(): void {
    if (this.#blocked) return
    this.#blocked = true
    this.#watch()
  }

  // Deadlines.

  #wait(waiting: Waiting): void {
    const { timeouts } = this.session.frontend.plan.model
    const { client, httpRequest = client, httpKeepAlive = httpRequest, tunnel = client } = timeouts
    this.#waiting = waiting
    switch (waiting) {
      case 'nothing':
        return this.#deadline.disarm()
      case 'first-byte':
      case 'request':
        return this.#deadline.arm(httpRequest)
      case 'next-request':
        return this.#deadline.arm(httpKeepAlive)
      case 'client':
        return this.#deadline.arm(this.#tunnel ? tunnel : client)
      case 'linger':
        return this.#deadline.arm(this.session.frontend.proxy.settings.lingerTimeout)
    }
  }

  /** While a stream is in progress, `timeout client` counts when it is the client's turn. */
  #watch(): void {
    if (this.#ending || this.#stream === undefined) return
    const reading = this.#reader.midBody && !this.#reader.held
    this.#wait(reading || this.#blocked || this.#tunnel ? 'client' : 'nothing')
  }

  #onDeadline(): void {
    const waiting = this.#waiting
    this.#waiting = 'nothing'
    const stream = this.#stream
    if (waiting === 'client' && stream !== undefined) return stream.onClientTimeout()
    if (waiting === 'first-byte' || waiting === 'request') return this.#refuse(408, 'c')
    // Nobody is told about idle connections: browsers keep them in store.
    if (waiting === 'next-request') return this.end()
    this.session.socket.destroy()
  }

  // From the socket.

  /** A fault of ours costs this connection, and nothing else. */
  #onData(chunk: Buffer): void {
    try {
      this.#reader.push(chunk)
    } catch (error) {
      const { name, proxy } = this.session.frontend
      proxy.settings.logger.error({ err: error, frontend: name }, 'a connection failed')
      this.session.socket.destroy()
    }
  }

  #onDrain(): void {
    this.#blocked = false
    if (this.#stream !== undefined) {
      this.#watch()
      this.#stream.onClientDrain()
    } else if (!this.#ending) {
      this.#wait('next-request')
      this.#reader.release()
    }
  }

  #onEnd(): void {
    if (this.#ending) {
      this.#reader.end()
      return
    }
    const how = this.#reader.end()
    const stream = this.#stream
    if (stream !== undefined) {
      if (how === 'cut' || this.#tunnel) stream.onClientEnd()
      else stream.onClientHalfClosed()
      return
    }
    // A connection that never sent anything is answered, too; one that has been served is not.
    if (how === 'cut' || this.session.requests === 0) this.#refuse(400, 'C')
    else this.end()
  }

  #onGone(): void {
    if (this.#closed) return
    this.#closed = true
    this.#deadline.stop()
    const stream = this.#stream
    const midRequest = this.#reader.midHead || this.session.requests === 0
    this.#stream = undefined
    if (stream !== undefined) stream.onClientGone()
    else if (midRequest && !this.#ending) {
      this.#stream = undefined
      this.#badStream().fail('C', 400)
    }
    this.session.frontend.closed(this.session, this)
  }

  /** A stream for the log alone: there was no request that could be read. */
  #badStream(): HttpStream {
    this.session.requests++
    const { accepted, acceptDate } = this.session
    const times = new StreamTimes(accepted, acceptDate, this.#begun, this.#beginDate)
    return new HttpStream(this, times, undefined)
  }

  /** Answers something that is not a request. */
  #refuse(status: number, cause: Cause): void {
    const stream = this.#badStream()
    this.#reader.expectNothing()
    stream.fail(cause, status)
    this.#sendRawPage(status, stream)
  }

  #sendRawPage(status: number, stream: HttpStream): void {
    const { socket, frontend } = this.session
    const page = frontend.plan.errorReplies.get(status)
    const file = page?.build?.(stream) ?? page
    if (file === undefined) socket.write(rawErrorPage(status))
    else if (!file.silent) {
      this.#head = frontend.proxy.formatErrorReply(file)
      this.write([file.body], false, true, undefined)
    }
    this.end()
  }

  // From the reader.

  onBegin(): void {
    if (this.session.requests > 0) {
      this.#begun = monotonic()
      this.#beginDate = wallClock()
    }
    this.#wait('request')
  }

  onHead(bytes: Buffer, start: number, end: number): void {
    const { session } = this
    const head = parseRequestHead(bytes, start, end, session.frontend.proxy.settings.maxHeaders)
    session.requests++
    const times = new StreamTimes(session.accepted, session.acceptDate, this.#begun, this.#beginDate)
    const stream = new HttpStream(this, times, head)
    this.#stream = stream
    const hasBody = this.#reader.expectBody(head.framing)
    if (hasBody) this.#reader.hold()
    this.#wait('nothing')
    stream.start()
  }

  onBody(pieces: readonly Buffer[], done: boolean): void {
    const stream = this.#stream
    if (stream === undefined) return
    stream.onClientBody(pieces, done)
    this.#watch()
  }

  onRaw(chunk: Buffer): void {
    this.#watch()
    this.#stream?.onClientRaw(chunk)
  }

  onUnexpected(): void {}

  onPause(): void {
    // The end came while something was waiting here; now its turn has come.
    if (this.#reader.ended && !this.#ending) this.#onEnd()
  }

  onInvalid(error: Http1Error): void {
    const stream = this.#stream
    // HAProxy 2.6 answers 400 to what is too large, too.
    const status = error.status === 431 ? 400 : error.status
    this.session.frontend.proxy.settings.logger.debug(
      { err: error, frontend: this.session.frontend.name },
      'a client sent a request that is refused',
    )
    if (stream === undefined) return this.#refuse(status, 'P')
    // In the middle of a body: whatever the server may answer, it has not seen the whole request.
    if (stream.onClientInvalid(status)) this.#sendRawPage(status, stream)
    else this.destroy()
  }

  /** Whether the connection stays open after this request, as far as the client says. */
  persists(head: RequestHead): boolean {
    return isPersistent(head.minor, head.connection)
  }
}
