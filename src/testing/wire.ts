import { Buffer } from 'node:buffer'
import type { Duplex } from 'node:stream'
import { requireArgument } from '../base/options.ts'
import { SpopError } from '../spop/errors.ts'
import { decodeFrame, type Frame } from '../spop/frame.ts'
import { createReader, FrameHead, lengthSize, readFrameHead, type Id } from '../spop/frame-head.ts'
import { resetStream } from '../net/memory-socket.ts'

/** A frame that was received. */
export interface ReceivedFrame {
  /** A number of `FrameType`, or one that no document names. */
  readonly type: number
  /** Bits of `FrameFlag`. */
  readonly flags: number
  /** The stream id; 0 when the head is broken. */
  readonly streamId: Id
  /** The frame id; 0 when the head is broken. */
  readonly frameId: Id
  /** The whole frame, its length field included. */
  readonly bytes: Buffer
  /** Where the payload begins in `bytes`; undefined when the head itself is broken. */
  readonly payloadAt: number | undefined
  /** The chunks that it came in: 1 when it arrived whole. */
  readonly pieces: number
  /** Bytes of it in the first of them. */
  readonly firstPiece: number
  /** Undefined when the payload cannot be decoded; `error` says why. */
  readonly frame: Frame | undefined
  /** What is wrong with it; undefined when nothing is. */
  readonly error: SpopError | undefined
}

/** What comes from the other end. After any kind but `frame` nothing more comes, except `lost` behind `fin`. */
export type WireEvent =
  | { readonly kind: 'frame'; readonly frame: ReceivedFrame }
  /** The bytes are no frames any more. */
  | { readonly kind: 'broken'; readonly error: SpopError; readonly bytes: Buffer }
  /** The other end sends nothing more. */
  | { readonly kind: 'fin' }
  /** A reset, or another error of the connection. */
  | { readonly kind: 'lost'; readonly code: string }

/** One line of a conversation. */
export interface WireLogEntry {
  /** To the agent, or from it. */
  readonly direction: 'send' | 'recv'
  /** Undefined for the end of the connection, which `what` tells. */
  readonly bytes: Buffer | undefined
  /** In words. */
  readonly what: string
}

/** No agent may send more: the largest frame that a sane configuration has, several times over. */
const maxFrame = 0x100_0000
/** Bytes of conversation that are remembered. */
const maxLogged = 65_536

/**
 * A stream of SPOP frames from an agent, with what a parser usually hides: in how many pieces each frame came, the exact
 * bytes, and how the connection ended.
 *
 * Takes over the stream.
 */
export class Wire {
  readonly stream: Duplex
  /** The conversation so far: its first 64 KiB. */
  readonly log: WireLogEntry[] = []
  #logged = 0
  readonly #onEvent: (event: WireEvent) => void
  #buffered: Buffer = Buffer.alloc(0)
  /** Where chunks ended, as offsets into what is buffered. */
  #ends: number[] = []
  #broken = false
  #ended = false

  constructor(stream: Duplex, onEvent: (event: WireEvent) => void) {
    this.stream = stream
    this.#onEvent = onEvent
    stream.on('data', (chunk: Buffer) => this.#onData(chunk))
    stream.on('end', () => this.#onEnd())
    stream.on('error', (error: NodeJS.ErrnoException) => this.#onLost(error.code ?? error.message))
    stream.on('close', () => this.#onLost('closed'))
  }

  /** Whether bytes can still be sent. */
  get writable(): boolean {
    return this.stream.writable
  }

  /** One write. */
  send(bytes: Buffer): void {
    this.#note('send', bytes, '')
    if (this.stream.writable) this.stream.write(bytes)
  }

  /**
   * One write for each piece: the cuts are offsets into `bytes`. Between them `gap` milliseconds pass, or just one turn
   * of the event loop.
   */
  async sendPieces(bytes: Buffer, cuts: readonly number[], gap = 1): Promise<void> {
    let from = 0
    for (const cut of [...cuts, bytes.length]) {
      if (cut <= from) continue
      if (from > 0) await pause(gap)
      this.send(bytes.subarray(from, cut))
      from = cut
    }
  }

  /** Sends nothing more. */
  end(): void {
    this.#note('send', undefined, 'FIN')
    this.stream.end()
  }

  /** Ends with a reset. */
  reset(): void {
    this.#note('send', undefined, 'RST')
    this.#ended = true
    resetStream(this.stream)
  }

  /** Lets go of the stream. */
  destroy(): void {
    this.#ended = true
    this.stream.destroy()
  }

  #note(direction: 'send' | 'recv', bytes: Buffer | undefined, what: string): void {
    this.#logged += bytes?.length ?? 0
    if (this.#logged <= maxLogged || bytes === undefined) this.log.push({ direction, bytes, what })
  }

  #onData(chunk: Buffer): void {
    this.#note('recv', chunk, '')
    if (this.#broken) return
    this.#buffered = this.#buffered.length === 0 ? chunk : Buffer.concat([this.#buffered, chunk])
    this.#ends.push(this.#buffered.length)
    while (!this.#broken && this.#takeFrame()) {
      // Each frame is told where it is taken.
    }
  }

  #takeFrame(): boolean {
    const bytes = this.#buffered
    if (bytes.length < lengthSize) return false
    const length = bytes.readUInt32BE(0)
    if (length > maxFrame) {
      const error = new SpopError('ERR_SPOP_INVALID_FRAME', `a length of ${length} bytes`)
      this.#broken = true
      this.#onEvent({ kind: 'broken', error, bytes })
      return false
    }
    const size = length + lengthSize
    if (bytes.length < size) return false
    const inside = this.#ends.filter((end) => end < size)
    this.#ends = this.#ends.filter((end) => end > size).map((end) => end - size)
    this.#buffered = bytes.subarray(size)
    this.#onEvent(describe(bytes.subarray(0, size), inside))
    return this.#buffered.length > 0
  }

  #onEnd(): void {
    this.#note('recv', undefined, 'FIN')
    if (this.#buffered.length > 0 && !this.#broken) {
      const error = new SpopError(
        'ERR_SPOP_TRUNCATED',
        `${this.#buffered.length} bytes of a frame, then the end`,
      )
      this.#broken = true
      this.#onEvent({ kind: 'broken', error, bytes: this.#buffered })
    }
    this.#onEvent({ kind: 'fin' })
  }

  #onLost(code: string): void {
    if (this.#ended) return
    this.#ended = true
    if (code !== 'closed') this.#note('recv', undefined, code)
    this.#onEvent({ kind: 'lost', code })
  }
}

function pause(gap: number): Promise<void> {
  return new Promise((resolve) => (gap > 0 ? setTimeout(resolve, gap) : setImmediate(resolve)))
}

function describe(bytes: Buffer, inside: readonly number[]): WireEvent {
  const shape = { pieces: inside.length + 1, firstPiece: inside[0] ?? bytes.length }
  const head = new FrameHead()
  let frame: Frame | undefined
  let error: SpopError | undefined
  let payloadAt: number | undefined
  try {
    const reader = createReader(bytes, lengthSize)
    readFrameHead(reader, head)
    payloadAt = reader.at
    frame = decodeFrame(bytes)
  } catch (thrown) {
    if (!(thrown instanceof SpopError)) throw thrown
    error = thrown
  }
  const { type, flags, streamId, frameId } = head
  return {
    kind: 'frame',
    frame: { type, flags, streamId, frameId, bytes, payloadAt, ...shape, frame, error },
  }
}

/** A frame in one line, for messages. @throws UsageError `ERR_SLUICE_OPTION` for what is none. */
export function formatReceived(received: ReceivedFrame): string {
  const isFrame = typeof received === 'object' && received !== null && Buffer.isBuffer(received.bytes)
  requireArgument(isFrame, 'formatReceived: the frame', 'must be one that was received', received)
  const { frame, error, bytes } = received
  const ids = `${received.streamId}/${received.frameId}`
  if (frame === undefined) return `a frame of type ${received.type} that is broken (${error?.message ?? ''})`
  switch (frame.type) {
    case 'agent-hello': {
      const { version, maxFrameSize, capabilities } = frame
      return `AGENT-HELLO version=${show(version)} max-frame-size=${maxFrameSize} capabilities=${show(capabilities)}`
    }
    case 'agent-disconnect':
      return `AGENT-DISCONNECT ${frame.statusCode} "${frame.message}"`
    case 'ack':
      return `ACK ${ids} with ${frame.actions.length} actions, ${bytes.length - lengthSize} bytes`
    default:
      return `a frame of type ${received.type} with ids ${ids}`
  }
}

function show(text: string | undefined): string {
  return text === undefined ? 'none' : `"${text}"`
}

/** An event in a few words; undefined is that nothing came. */
export function formatEvent(event: WireEvent | undefined): string {
  switch (event?.kind) {
    case undefined:
      return 'nothing, and the connection stays open'
    case 'frame':
      return formatReceived(event.frame)
    case 'broken':
      return `bytes that are no frame (${event.error.message})`
    case 'fin':
      return 'the agent closed the connection'
    case 'lost':
      return `the connection was lost (${event.code})`
  }
}
