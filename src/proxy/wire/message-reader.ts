/**
 * Reads HTTP/1.1 messages from a socket, either side of the proxy: heads, then bodies, or raw bytes once a tunnel is
 * open. It pulls: whoever cannot take more calls `hold`, and the socket is read no further, so at most one chunk
 * waits here.
 */
import { Buffer } from 'node:buffer'
import type { Socket } from 'node:net'
import { isLent, keep, lookAt } from '../../base/lent.ts'
import type { Lent } from '../../base/lent.ts'
import { BodyDecoder, HeadBuffer, Http1Error } from '../../http1/index.ts'
import type { Framing, HeaderList } from '../../http1/index.ts'

/** Is told what comes in. Every method may change what the reader expects next. */
export interface ReaderSink {
  /** The first byte of a message. */
  onBegin(): void
  /** A head; the bytes are valid during the call. */
  onHead(bytes: Buffer, start: number, end: number): void
  /** Pieces of a body, none of them empty; there may be none when `done`. */
  onBody(pieces: readonly Lent[], done: boolean): void
  /** Bytes of a tunnel. */
  onRaw(chunk: Lent): void
  /** Bytes that nobody expected; those that `expect…` does not claim during the call are kept until something does. */
  onUnexpected(): void
  /** All that came in this turn was handed out. */
  onPause(): void
  /** The peer broke the protocol; nothing more is read. */
  onInvalid(error: Http1Error): void
}

const nothing = Buffer.alloc(0)

const Mode = { Idle: 0, Head: 1, Body: 2, Raw: 3, Discard: 4 } as const
type Mode = (typeof Mode)[keyof typeof Mode]

/** A head that comes as a whole needs its buffer for that moment alone: one goes from reader to reader. */
let spare: HeadBuffer | undefined

function takeHeadBuffer(maxHeadSize: number): HeadBuffer {
  const taken = spare
  spare = undefined
  return taken?.maxHeadSize === maxHeadSize ? taken : new HeadBuffer({ maxHeadSize })
}

/** Owns what was read and is not handed out yet: one chunk at most. */
export class MessageReader {
  readonly #socket: Socket
  readonly #sink: ReaderSink
  readonly #maxHeadSize: number
  /** While a head is incomplete. */
  #head: HeadBuffer | undefined
  /** Made for the first body: many connections never have one. */
  #body: BodyDecoder | undefined
  #mode: Mode = Mode.Idle
  #chunk: Buffer | undefined
  #at = 0
  /** The chunk being read. */
  #current: Buffer | undefined
  #held = false
  #begun = false
  #reading = false
  #ended = false

  constructor(socket: Socket, sink: ReaderSink, maxHeadSize: number) {
    this.#socket = socket
    this.#sink = sink
    this.#maxHeadSize = maxHeadSize
  }

  /** Whether part of a message came in and its head is not complete. */
  get midHead(): boolean {
    return this.#mode === Mode.Head && this.#begun
  }

  /** Whether there is more of that head than the empty lines that may stand before it. */
  get midHeadLine(): boolean {
    return this.midHead && this.#head !== undefined && this.#head.pending > 0
  }

  /** Whether a body is being read. */
  get midBody(): boolean {
    return this.#mode === Mode.Body
  }

  /** Whether bytes wait here, those of the chunk being read included. */
  get pending(): boolean {
    return this.#chunk !== undefined || (this.#reading && this.#at < (this.#current?.length ?? 0))
  }

  get held(): boolean {
    return this.#held
  }

  /** Whether the peer has sent its end. */
  get ended(): boolean {
    return this.#ended
  }

  /** The trailers of the body that was read last. */
  get trailers(): HeaderList | undefined {
    return this.#body?.trailers
  }

  /** Bytes of content still to come of a body of known length. */
  get left(): number {
    return this.#body?.left ?? 0
  }

  expectHead(): void {
    this.#mode = Mode.Head
    this.#begun = false
  }

  /** Answers false when the body is empty: then nothing is expected. */
  expectBody(framing: Framing): boolean {
    if (framing === 0) this.#body?.reset(0)
    else (this.#body ??= new BodyDecoder()).reset(framing)
    this.#mode = framing === 0 ? Mode.Idle : Mode.Body
    return framing !== 0
  }

  expectRaw(): void {
    this.#mode = Mode.Raw
  }

  expectNothing(): void {
    this.#mode = Mode.Idle
  }

  /** Between two exchanges: nothing is expected, and whatever held the last one holds nothing any more. */
  rest(): void {
    this.#mode = Mode.Idle
    this.#held = false
    if (this.#chunk === undefined && this.#socket.isPaused()) this.#socket.resume()
  }

  /** Throws away what comes from now on. */
  discard(): void {
    this.#mode = Mode.Discard
    this.#held = false
    this.#chunk = undefined
    this.#socket.resume()
  }

  /** Hands out nothing until `release`. */
  hold(): void {
    this.#held = true
  }

  /** Goes on with what waits here, then with the socket. */
  release(): void {
    this.#held = false
    if (!this.#reading) this.#resume()
  }

  #resume(): void {
    const chunk = this.#chunk
    if (chunk === undefined) {
      if (this.#socket.isPaused()) this.#socket.resume()
      this.#sink.onPause()
      return
    }
    this.#chunk = undefined
    this.#read(chunk, this.#at)
    if (this.#chunk === undefined && !this.#held && this.#socket.isPaused()) this.#socket.resume()
  }

  /** Reads as much of the body as is there, whatever holds it; answers whether that was all of it. */
  drain(): boolean {
    const chunk = this.#reading ? this.#current : this.#chunk
    try {
      while (chunk !== undefined && this.#at < chunk.length && this.midBody) this.#stepBody(chunk)
    } catch (error) {
      if (!(error instanceof Http1Error)) throw error
      this.#mode = Mode.Discard
      return false
    }
    if (!this.#reading && chunk !== undefined && this.#at === chunk.length) this.#chunk = undefined
    return !this.midBody
  }

  /** Takes a chunk from the socket. */
  push(chunk: Lent): void {
    const bytes = lookAt(chunk)
    if (this.#chunk !== undefined) {
      // The socket was paused, and had read this one already.
      this.#chunk = Buffer.concat([this.#chunk.subarray(this.#at), bytes])
      this.#at = 0
      this.#socket.pause()
      return
    }
    this.#read(bytes, 0)
  }

  /**
   * The peer has sent its end. Answers what that means for what was read.
   * @returns `idle` between messages, `done` when it completes a body, `cut` in the middle of a message, `later` when
   * something waits here: ask again after `onPause`.
   */
  end(): 'idle' | 'done' | 'cut' | 'later' {
    this.#ended = true
    if (this.#chunk !== undefined || this.#held) return 'later'
    if (this.#mode !== Mode.Body) return this.midHead ? 'cut' : 'idle'
    try {
      this.#body?.finish()
      this.#mode = Mode.Idle
      return 'done'
    } catch {
      return 'cut'
    }
  }

  #read(chunk: Buffer, from: number): void {
    this.#at = from
    this.#current = chunk
    this.#reading = true
    try {
      while (this.#at < chunk.length) {
        const before = this.#at
        const mode = this.#mode
        if (this.#held || !this.#step(chunk)) break
        // Idle, and nobody wants what is there.
        if (this.#at === before && this.#mode === Mode.Idle && mode === Mode.Idle) break
      }
    } catch (error) {
      this.#reading = false
      if (!(error instanceof Http1Error)) throw error
      this.#mode = Mode.Discard
      this.#chunk = undefined
      this.#sink.onInvalid(error)
      return
    }
    this.#reading = false
    this.#current = undefined
    if (this.#at < chunk.length && this.#mode !== Mode.Discard) {
      this.#wait(chunk)
      this.#socket.pause()
    }
    this.#sink.onPause()
  }

  /** What of the chunk nobody takes now. */
  #wait(chunk: Buffer): void {
    this.#chunk = chunk
    if (!isLent(chunk)) return
    this.#chunk = keep(chunk.subarray(this.#at))
    this.#at = 0
  }

  /** Answers false when the rest of the chunk has to wait. */
  #step(chunk: Buffer): boolean {
    switch (this.#mode) {
      case Mode.Head:
        return this.#stepHead(chunk)
      case Mode.Body:
        this.#stepBody(chunk)
        return true
      case Mode.Raw: {
        const at = this.#at
        this.#at = chunk.length
        this.#sink.onRaw(at === 0 ? chunk : chunk.subarray(at))
        return true
      }
      case Mode.Idle:
        this.#sink.onUnexpected()
        return this.#mode !== Mode.Idle
      default:
        this.#at = chunk.length
        return true
    }
  }

  #stepHead(chunk: Buffer): boolean {
    if (!this.#begun) {
      this.#begun = true
      this.#sink.onBegin()
    }
    const head = (this.#head ??= takeHeadBuffer(this.#maxHeadSize))
    const end = head.push(chunk, this.#at)
    if (end < 0) {
      this.#at = chunk.length
      return false
    }
    this.#at = end
    this.#mode = Mode.Idle
    this.#head = undefined
    this.#sink.onHead(head.bytes, head.start, head.end)
    // What rests keeps no memory of what it has read.
    head.release()
    spare = head
    return true
  }

  #stepBody(chunk: Buffer): void {
    const body = this.#body as BodyDecoder // made with the mode
    body.push(chunk, this.#at)
    const pieces: Buffer[] = []
    for (let piece = body.next(); piece !== undefined; piece = body.next()) pieces.push(piece)
    this.#at = body.done ? body.at : chunk.length
    body.push(nothing)
    if (body.done) this.#mode = Mode.Idle
    if (pieces.length > 0 || body.done) this.#sink.onBody(pieces, body.done)
  }
}
