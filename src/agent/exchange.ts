/** One NOTIFY that waits for asynchronous handlers: its parts, their deadlines, and the one ACK at the end. */
import type { Lane, Timed } from '../deadlines.ts'
import type { Id } from '../spop/frame-head.ts'
import type { ActionWriter } from './actions.ts'
import type { Context } from './context.ts'
import type { Registration } from './handlers.ts'

/** The connection that the NOTIFY came on. */
export interface ExchangeCarrier {
  inFlight: number
  /** All handlers of a held exchange have answered: send it. */
  release(exchange: Exchange): void
}

/** One message of the NOTIFY whose handler returned a promise. */
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

/** See the head of this file. */
export class Exchange {
  readonly carrier: ExchangeCarrier
  readonly streamId: Id
  readonly frameId: Id
  /** Encoded actions of the messages before the first that is waited for. */
  prefix: Buffer = Buffer.alloc(0)
  /** The actions of all other messages, in the order of the messages. */
  readonly answers: ActionWriter[] = []
  readonly parts: Part[] = []
  /** Bytes of actions that still fit the ACK. */
  room = 0
  pending = 0

  constructor(carrier: ExchangeCarrier, streamId: Id, frameId: Id) {
    this.carrier = carrier
    this.streamId = streamId
    this.frameId = frameId
  }

  /** A message behind one that is waited for was answered at once. */
  keep(actions: ActionWriter): void {
    if (actions.size === 0) return
    actions.detach()
    this.room -= actions.size
    this.answers.push(actions)
  }
}
