import { Buffer } from 'node:buffer'
import { Socket } from 'node:net'
import { BodyDecoder, Framing, parseResponseHead } from '../../http1/index.ts'
import type { ResponseHead } from '../../http1/index.ts'
import type { ServingContext } from '../responder/context.ts'
import { readPlainHead } from './plain-head.ts'
import { replyFields } from './reply-fields.ts'

/** Many more than an application that means it sends. */
const maxHeaders = 10_000
const nothing = Buffer.alloc(0)

/** A piece as the stream holds it. */
interface Piece {
  readonly chunk: Buffer | string
  readonly encoding: BufferEncoding
}

/**
 * What an application takes for the socket of its client: it has the client's addresses, and turns the HTTP/1.1 response
 * that a `ServerResponse` of node:http writes into STDOUT. Destroying it breaks the response off.
 *
 * So all that node:http does with a response is done by node:http itself, and a framework may put the prototypes that it
 * likes below the response: the socket is nobody's to replace.
 */
export class GatewaySocket extends Socket {
  /** What node:https would have set; frameworks ask it for the protocol. */
  readonly encrypted: boolean
  // Those of Socket are accessors that ask a handle, and there is none.
  override readonly remoteAddress: string | undefined
  override readonly remotePort: number | undefined
  override readonly remoteFamily: string | undefined
  override readonly localAddress: string
  override readonly localPort: number
  override readonly localFamily: string
  /** Is called when whoever writes was told to wait: a drain will come. */
  onBlocked: () => void = () => {}
  /** Is called when nothing was read or written for the time of `setTimeout`. */
  onSilent: () => void = () => {}
  #isTimed = false
  readonly #context: ServingContext
  /** What there is of the head; undefined behind it. */
  #head: Buffer | undefined = nothing
  /** Of an application that sets Transfer-Encoding itself. */
  #chunks: BodyDecoder | undefined
  /** Whether all of the response was written; what happens to the socket then does not matter. */
  #complete = false

  constructor(context: ServingContext) {
    super()
    this.#context = context
    const { tls, remoteAddress, remotePort, localAddress, localPort } = context.http
    this.encrypted = tls
    this.remoteAddress = remoteAddress || undefined
    this.remotePort = remotePort || undefined
    this.remoteFamily = familyOf(remoteAddress)
    this.localAddress = localAddress
    this.localPort = localPort
    this.localFamily = familyOf(localAddress) ?? ''
    // An application that destroys it with an error need not listen for that here.
    this.on('error', () => {})
  }

  /** Whether the head of the response has left. */
  get begun(): boolean {
    return this.#head === undefined
  }

  override address(): { address: string; family: string; port: number } {
    return { address: this.localAddress, family: this.localFamily, port: this.localPort }
  }

  /** That of node:http's sockets has the timer of a handle, and its server listens from the beginning. */
  override setTimeout(timeout: number, callback?: () => void): this {
    if (!this.#isTimed) this.on('timeout', () => this.onSilent())
    this.#isTimed = true
    return super.setTimeout(timeout, callback)
  }

  /** Something was read or written. */
  stir(): void {
    if (this.#isTimed && this.timeout !== undefined && !this.#complete) super.setTimeout(this.timeout)
  }

  /** The request body has a stream of its own. */
  override _read(): void {}

  override _write(chunk: Buffer | string, encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.#take([{ chunk, encoding }], done)
  }

  override _writev(pieces: Piece[], done: (error?: Error) => void): void {
    this.#take(pieces, done)
  }

  /** An application that ends it has written its response here, past node:http. */
  override _final(done: (error?: Error) => void): void {
    if (this.begun) this.#context.end()
    else this.#context.destroy()
    this.complete()
    done()
  }

  /**
   * All of the response was written: there is nothing to be broken off, and the response may close. It is not destroyed, as
   * that of node:http is not: what is written to it goes nowhere, and a stream that is destroyed makes errors for that.
   */
  complete(): void {
    this.#complete = true
    process.nextTick(emitClose, this)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#complete) this.#context.destroy()
    super._destroy(error, done)
  }

  #take(pieces: readonly Piece[], done: (error?: Error) => void): void {
    this.stir()
    try {
      let more = true
      for (const { chunk, encoding } of pieces) if (chunk.length > 0) more = this.#push(chunk, encoding)
      // What was written in one turn comes here at its end, and is more than a stream likes although the gateway takes it.
      if (this.writableNeedDrain) this.onBlocked()
      if (more) return done()
      void this.#context.drained().then(() => done())
    } catch (error) {
      done(error as Error) // http1 and fcgi throw nothing else
    }
  }

  #push(chunk: Buffer | string, encoding: BufferEncoding): boolean {
    if (this.#head === undefined) return this.#pushBody(chunk, encoding)
    if (typeof chunk === 'string' && this.#head.length === 0) {
      const plain = readPlainHead(chunk, encoding)
      if (plain !== undefined) {
        this.#head = undefined
        this.#context.writeHeadText(plain.text)
        return plain.end === chunk.length || this.#pushBody(chunk.slice(plain.end), encoding)
      }
    }
    return this.#pushBytes(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk)
  }

  #pushBytes(chunk: Buffer): boolean {
    let rest = chunk
    while (this.#head !== undefined) {
      const bytes = this.#head.length === 0 ? rest : Buffer.concat([this.#head, rest])
      const end = bytes.indexOf('\r\n\r\n')
      this.#head = bytes
      if (end < 0) return true
      this.#head = nothing
      this.#onHead(parseResponseHead(bytes, 0, end + 4, maxHeaders))
      rest = bytes.subarray(end + 4)
    }
    return rest.length === 0 || this.#pushBody(rest, 'latin1')
  }

  /** Informational heads go nowhere: nginx takes the first head that comes for the response. */
  #onHead({ status, headers, framing }: ResponseHead): void {
    if (status < 200) return
    this.#head = undefined
    if (framing === Framing.Chunked) {
      this.#chunks = new BodyDecoder()
      this.#chunks.reset(framing)
    }
    this.#context.writeHead(status, replyFields(headers.pairs))
  }

  #pushBody(chunk: Buffer | string, encoding: BufferEncoding): boolean {
    const isUtf8 = encoding === 'utf8' || encoding === 'utf-8'
    const piece = typeof chunk === 'string' && !isUtf8 ? Buffer.from(chunk, encoding) : chunk
    if (this.#chunks === undefined) return this.#context.write(piece)
    return this.#pushChunks(this.#chunks, typeof piece === 'string' ? Buffer.from(piece) : piece)
  }

  #pushChunks(body: BodyDecoder, bytes: Buffer): boolean {
    body.push(bytes)
    let more = true
    for (let piece = body.next(); piece !== undefined; piece = body.next()) more = this.#context.write(piece)
    return more
  }
}

function emitClose(socket: GatewaySocket): void {
  if (!socket.destroyed) socket.emit('close', false)
}

function familyOf(address: string): string | undefined {
  if (address === '') return undefined
  return address.includes(':') ? 'IPv6' : 'IPv4'
}
