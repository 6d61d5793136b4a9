import { decodeActions, type Action } from '../spop/ack.ts'
import { SpopError } from '../spop/errors.ts'
import type { Id } from '../spop/frame-head.ts'
import type { Agreement } from '../spop/negotiation.ts'
import type { ConnectionHost } from './connection-host.ts'
import { EngineError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import type { Inbox } from './inbox.ts'
import type { Slots } from './slots.ts'

const nothing: readonly Action[] = []

/** What of its connection it has to know. */
export interface Receiving {
  readonly slots: Slots
}

/** What becomes of the ACKs that a connection receives. */
export class AckReceiver<C extends Receiving> {
  /** Whether an ACK that matched has come. */
  proven = false
  readonly #connection: C
  readonly #inbox: Inbox
  readonly #host: ConnectionHost<C>
  #async = false
  #ordered = false
  #wrongAction: SpopError | undefined
  /** The ids of what was answered last. */
  #lastStream: Id = -1
  #lastFrame: Id = -1

  constructor(connection: C, inbox: Inbox, host: ConnectionHost<C>) {
    this.#connection = connection
    this.#inbox = inbox
    this.#host = host
  }

  /** The handshake is done. */
  agree({ async, pipelining }: Agreement): void {
    this.#async = async
    this.#ordered = !async && !pipelining
  }

  /**
   * The current frame of the inbox is an ACK, which came at `now`.
   * @throws SpopError when the connection cannot go on.
   */
  receive(now: number): void {
    if (!this.#inbox.head.fin) throw new SpopError('ERR_SPOP_FRAGMENTATION', 'an ACK without FIN')
    const exchange = this.#find()
    if (exchange === undefined) return this.#onUnknown()
    // Whatever goes wrong while decoding, the exchange is still in its slot.
    const actions = exchange.callback === undefined ? nothing : this.#decodeActions()
    this.#lastStream = exchange.streamId
    this.#lastFrame = exchange.frameId
    exchange.carrier?.release(exchange, now)
    this.#connection.slots.answered(now)
    if (!this.proven) {
      this.proven = true
      this.#host.proved(this.#connection)
    }
    this.#settle(exchange, actions, now)
  }

  #find(): Exchange | undefined {
    const { head } = this.#inbox
    const exchange = this.#connection.slots.find(head)
    return exchange === undefined && this.#async ? this.#host.findElsewhere(this.#connection, head) : exchange
  }

  /** HAProxy keeps the actions before a wrong one, and says nothing. */
  #decodeActions(): Action[] {
    this.#wrongAction = undefined
    return decodeActions(this.#inbox.reader, this.#onWrongAction)
  }

  readonly #onWrongAction = (cause: SpopError): void => {
    this.#wrongAction = cause
  }

  #settle(exchange: Exchange, actions: readonly Action[], now: number): void {
    if (exchange.callback === undefined) return this.#host.late()
    if (this.#inbox.head.abort && exchange.fragmented) {
      this.#host.fail(exchange, new EngineError('ERR_ENGINE_FRAGMENT_ABORTED'), now)
      return
    }
    const cause = this.#wrongAction
    if (cause !== undefined) {
      const detail = cause.message
      this.#host.fault(this.#connection, new EngineError('ERR_ENGINE_BAD_ACTION', detail, { cause }))
    }
    this.#host.acknowledged(exchange, actions, now)
  }

  /**
   * HAProxy ignores it when agents may answer in any order, and gives up the connection when they may not. What was said
   * twice is passed over: HAProxy reads it before the next NOTIFY leaves, which here may be out already.
   */
  #onUnknown(): void {
    const { streamId, frameId } = this.#inbox.head
    const detail = `${streamId}/${frameId}`
    const again = streamId === this.#lastStream && frameId === this.#lastFrame
    if (this.#ordered && this.#connection.slots.live > 0 && !again) {
      throw new SpopError('ERR_SPOP_FRAME_ID_NOT_FOUND', `an ACK of ${detail}`)
    }
    this.#host.fault(this.#connection, new EngineError('ERR_ENGINE_UNKNOWN_ACK', detail))
  }
}
