/** One question to an agent while it is under way, and the list that connections and the queue keep them in. */
import type { Lane, Timed } from '../base/deadlines.ts'
import { LinkedList, type Linked } from '../base/linked-list.ts'
import type { Id } from '../spop/frame-head.ts'
import { EngineError } from './errors.ts'
import type { EngineStream } from './profile.ts'
import type { ExchangeCallback, PendingExchange } from './request.ts'

/** Who ends an exchange: the pool. */
export interface ExchangeOwner {
  cancel(exchange: Exchange, error: EngineError): void
}

/** What of a connection an exchange has to know. */
export interface ExchangeCarrier {
  /** The caller waits no longer, but the slot is taken until the ACK comes. */
  abandon(exchange: Exchange, now: number, timedOut: boolean): void
  /** The ACK has come: the slot is free. */
  release(exchange: Exchange, now: number): void
}

/** Where an exchange waits. */
export interface ExchangeQueue {
  remove(exchange: Exchange): void
}

/**
 * One object per exchange, linked into two lists through its own fields, so that neither costs an allocation: queue or
 * connection (`previous`, `next`), and deadlines (`earlier`, `later`).
 */
export class Exchange implements PendingExchange, Timed<Exchange>, Linked<Exchange> {
  readonly owner: ExchangeOwner
  /** Undefined when it has ended for its caller. */
  callback: ExchangeCallback | undefined
  readonly stream: EngineStream | undefined
  readonly startedAt: number
  deadline = 0
  /** When the NOTIFY was handed to a connection; -1 before. */
  sentAt = -1
  streamId = 0
  frameId = 0
  fragmented = false
  carrier: ExchangeCarrier | undefined
  lane: Lane<Exchange> | undefined
  /** Where it waits for a connection. */
  queue: ExchangeQueue | undefined
  /** The encoded messages, while it is queued; as long as it is under way where it may be sent again. */
  payload: Buffer | undefined
  /** It was sent before, on a connection that was lost. */
  resent = false

  previous: Exchange | undefined
  next: Exchange | undefined
  earlier: Exchange | undefined
  later: Exchange | undefined

  constructor(
    owner: ExchangeOwner,
    callback: ExchangeCallback,
    stream: EngineStream | undefined,
    startedAt: number,
  ) {
    this.owner = owner
    this.callback = callback
    this.stream = stream
    this.startedAt = startedAt
  }

  cancel(reason?: unknown): void {
    if (this.callback === undefined) return
    this.owner.cancel(this, new EngineError('ERR_ENGINE_INTERRUPTED', 'cancelled', { cause: reason }))
  }
}

/** Looking up is a walk: agents answer in order or nearly so, and a connection has 20 by default, as HAProxy's own list. */
export class ExchangeList extends LinkedList<Exchange> {
  find(streamId: Id, frameId: Id): Exchange | undefined {
    let exchange = this.first
    while (exchange !== undefined && (exchange.streamId !== streamId || exchange.frameId !== frameId)) {
      exchange = exchange.next
    }
    return exchange
  }
}
