import type { Lane, Timed } from '../base/deadlines.ts'
import type { Linked } from '../base/linked-list.ts'
import type { Id } from '../spop/frame-head.ts'
import type { ActionWriter } from './action-writer.ts'
import type { Context } from './context.ts'
import type { Registration } from './handlers.ts'
import type { Held } from './held-input.ts'

/** The connection that the NOTIFY came on. */
export interface ExchangeCarrier {
  inFlight: number
  /** All handlers of a held exchange have answered: send it. */
  release(exchange: Exchange): void
}

/** One message of the NOTIFY: its handler returned a promise, or it has set actions behind such a one. */
export class Part implements Timed<Part> {
  readonly exchange: Exchange
  readonly registration: Registration
  readonly actions: ActionWriter
  readonly context: Context
  /** When the message's turn began, by the monotonic clock. */
  readonly since: number
  deadline = 0
  lane: Lane<Part> | undefined
  earlier: Part | undefined
  later: Part | undefined
  settled = false
  /** The next one of the exchange. */
  next: Part | undefined

  constructor(
    exchange: Exchange,
    registration: Registration,
    actions: ActionWriter,
    context: Context,
    since: number,
  ) {
    this.exchange = exchange
    this.registration = registration
    this.actions = actions
    this.context = context
    this.since = since
  }
}

/** One NOTIFY that waits for asynchronous handlers: its parts, their deadlines, and the one ACK at the end. */
export class Exchange implements Linked<Exchange> {
  /** Another one, when the connection goes and `async` is agreed. */
  carrier: ExchangeCarrier
  readonly streamId: Id
  readonly frameId: Id
  /** Encoded actions of the messages before the first that is waited for, if there are any. */
  prefix: Buffer | undefined
  /**
   * Those behind it that have something to say, in their order: linked, for an array costs more than the one part that
   * there mostly is.
   */
  first: Part | undefined
  #last: Part | undefined
  /** Bytes of actions that still fit the ACK. */
  room: number
  /** Parts that are not settled. */
  pending = 0
  /** The carrier waits for it. */
  held = false
  /** What of the carrier's input it keeps. */
  input: Held | undefined
  previous: Exchange | undefined
  next: Exchange | undefined
  /** An earlier one of the same stream that waits, too. */
  sameStream: Exchange | undefined

  constructor(carrier: ExchangeCarrier, streamId: Id, frameId: Id, room: number) {
    this.carrier = carrier
    this.streamId = streamId
    this.frameId = frameId
    this.room = room
  }

  add(part: Part): void {
    if (this.#last === undefined) this.first = part
    else this.#last.next = part
    this.#last = part
  }
}
