import type { Duplex } from 'node:stream'
import { monotonic } from '../base/clock.ts'
import { FrameSplitter } from '../bytes/frame-splitter.ts'
import { SpopFraming } from '../spop/frame-head.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { HeldExchanges } from './held-exchanges.ts'
import type { Outbox } from './outbox.ts'
import { Unfinished } from './unfinished.ts'

/** The connection, as what reads its socket sees it. */
export interface IntakeOwner {
  /** Whether what comes still matters. */
  readonly takesFrames: boolean
  /** Whether a payload in fragments has begun and not ended. */
  readonly midPayload: boolean
  /** A frame is `bytes` from `start` to `end`, its length included. What is thrown is handed to `onFault`. */
  onFrame(bytes: Buffer, start: number, end: number): void
  /** The frames have no boundaries any more, or one of them could not be taken. */
  onFault(error: unknown): void
  /** For now there is no frame more; what was made in this turn may leave. */
  onTaken(): void
  /** Behind the last frame: the peer sends no more. */
  onFin(): void
}

/** What else it needs. */
export interface IntakeParts {
  readonly maxFrameSize: number
  readonly maxPendingInput: number
  readonly outbox: Outbox
  readonly exchanges: HeldExchanges
  readonly dispatcher: Dispatcher
}

/**
 * Reads a connection's socket: cuts what comes into frames, in the order in which they came, and the FIN behind them. While
 * the peer leaves answers unread, or handlers keep too much of what it sent, nothing more is taken.
 */
export class Intake {
  readonly #socket: Duplex
  readonly #owner: IntakeOwner
  readonly #outbox: Outbox
  readonly #exchanges: HeldExchanges
  readonly #dispatcher: Dispatcher
  readonly #maxPendingInput: number
  readonly #framing: SpopFraming
  readonly #splitter: FrameSplitter
  readonly #unfinished = new Unfinished()
  /** Nothing is read from the socket. */
  #paused = false
  #ended = false

  constructor(socket: Duplex, owner: IntakeOwner, parts: IntakeParts) {
    this.#socket = socket
    this.#owner = owner
    this.#outbox = parts.outbox
    this.#exchanges = parts.exchanges
    this.#dispatcher = parts.dispatcher
    this.#maxPendingInput = parts.maxPendingInput
    this.#framing = new SpopFraming(parts.maxFrameSize)
    this.#splitter = new FrameSplitter(this.#framing)
  }

  /** The peer has sent FIN. */
  get ended(): boolean {
    return this.#ended
  }

  get paused(): boolean {
    return this.#paused
  }

  /** Whether part of a frame waits for the rest. */
  get midFrame(): boolean {
    return this.#splitter.midFrame
  }

  /** Frames up to this size are taken from here on. */
  agree(maxFrameSize: number): void {
    this.#framing.maxFrameSize = maxFrameSize
  }

  /** A payload in fragments has begun. */
  beginPayload(now: number): void {
    this.#unfinished.beginPayload(now)
  }

  /** For how long the peer owes the rest of what it has begun, in milliseconds; nothing while it is not read from. */
  owing(now: number): number {
    return this.#paused || !this.#owner.takesFrames ? 0 : this.#unfinished.age(now)
  }

  /** Something has come. */
  take(chunk: Buffer, now: number): void {
    this.#splitter.push(chunk)
    this.#takeFrames(now)
  }

  /** The FIN has come. */
  end(): void {
    this.#ended = true
    // A socket tells of FIN although it is paused: what came before it is read before it.
    if (!this.#paused || this.#splitter.drained) this.#owner.onFin()
  }

  /** Whether the peer may ask for more. */
  #mayAsk(): boolean {
    return !this.#outbox.full && this.#exchanges.inputSize < this.#maxPendingInput
  }

  /** Takes the frames of the chunk, until it is used up or the peer may not ask for more. */
  #takeFrames(now: number): void {
    const owner = this.#owner
    const outbox = this.#outbox
    const splitter = this.#splitter
    let taken = false
    this.#dispatcher.beginTurn(now)
    outbox.inTurn = true
    try {
      while (this.#mayAsk() && splitter.next()) {
        taken = true
        owner.onFrame(splitter.bytes, splitter.start, splitter.end)
        if (!owner.takesFrames) break
        outbox.flushIfLarge()
      }
    } catch (error) {
      owner.onFault(error)
    }
    outbox.inTurn = false
    this.#unfinished.note(splitter.midFrame, taken, owner.midPayload, now)
    // Who is on its way out is read on: closed with input unread, a socket is reset, and loses what was not sent.
    if (owner.takesFrames && !this.#mayAsk()) this.#pause()
    owner.onTaken()
  }

  /** What the socket has read already waits in the splitter: a chunk at most. */
  #pause(): void {
    if (this.#paused) return
    this.#paused = true
    this.#socket.pause()
  }

  /** Something that kept the peer from asking may be gone. */
  goOn(): void {
    if (!this.#paused) return
    if (this.#owner.takesFrames) {
      if (!this.#mayAsk()) return
      const now = monotonic()
      this.#paused = false
      this.#unfinished.forgive(now)
      this.#takeFrames(now)
      if (this.paused) return
    }
    this.#paused = false
    this.#socket.resume()
    if (this.#ended) this.#owner.onFin()
  }
}
