import type { FrameHead } from '../spop/frame-head.ts'
import { ExchangeList, type Exchange } from './exchange.ts'

/**
 * What a connection carries: exchanges that were sent and not acknowledged, those that nobody waits for any more
 * included. Pure: time is an argument.
 *
 * HAProxy forgets a timed-out exchange and sends the next at once, however far behind the agent is. Here its slot stays
 * taken until its ACK comes, so that a slow agent is not buried; and a connection that answers nothing becomes
 * *suspect*, to be avoided and finally replaced, so that no slot is lost for ever.
 */
export class Slots {
  /** How many exchanges may be in flight: 0 before the handshake. */
  window = 0
  /** How many of them nobody waits for. */
  expired = 0
  /** Whether something timed out and nothing was answered since, or every slot is held so. */
  suspect = false
  suspectSince = 0
  idleSince = 0
  readonly #list = new ExchangeList()
  #lastAckAt = 0

  /** All taken slots. */
  get size(): number {
    return this.#list.size
  }

  /** Exchanges that somebody waits for. */
  get live(): number {
    return this.#list.size - this.expired
  }

  get free(): boolean {
    return this.#list.size < this.window
  }

  add(exchange: Exchange): void {
    this.#list.push(exchange)
  }

  find({ streamId, frameId }: FrameHead): Exchange | undefined {
    return this.#list.find(streamId, frameId)
  }

  /** Its ACK has come. */
  release(exchange: Exchange, now: number): void {
    this.#list.remove(exchange)
    if (exchange.callback === undefined) this.expired--
    if (this.#list.size === 0) this.idleSince = now
  }

  /** The agent has answered something: it lives. */
  answered(now: number): void {
    this.#lastAckAt = now
    this.suspect = false
  }

  /** The caller waits no longer. Answers whether the connection has become suspect by this. */
  abandon(exchange: Exchange, now: number, timedOut: boolean): boolean {
    this.expired++
    const silent = timedOut && exchange.sentAt >= this.#lastAckAt
    if (this.suspect || (!silent && this.expired < this.window)) return false
    this.suspect = true
    this.suspectSince = now
    return true
  }

  /** Empties all slots and returns what was in them. */
  takeAll(): Exchange[] {
    this.expired = 0
    return this.#list.takeAll()
  }
}
