import { LinkedList } from '../base/linked-list.ts'
import type { Id } from '../spop/frame-head.ts'
import type { Exchange } from './exchange.ts'

/** The exchanges of a connection that wait for their handlers, in the order in which they came, and by their ids. */
export class HeldExchanges {
  readonly #list = new LinkedList<Exchange>()
  /** The latest of each stream; the others are linked behind it. */
  readonly #byStream = new Map<Id, Exchange>()

  get size(): number {
    return this.#list.size
  }

  get first(): Exchange | undefined {
    return this.#list.first
  }

  push(exchange: Exchange): void {
    this.#list.push(exchange)
    exchange.sameStream = this.#byStream.get(exchange.streamId)
    this.#byStream.set(exchange.streamId, exchange)
  }

  /** The one with these ids, if it is still waited for. */
  find(streamId: Id, frameId: Id): Exchange | undefined {
    let exchange = this.#byStream.get(streamId)
    while (exchange !== undefined && exchange.frameId !== frameId) exchange = exchange.sameStream
    return exchange
  }

  remove(exchange: Exchange): void {
    this.#list.remove(exchange)
    const { streamId, sameStream } = exchange
    exchange.sameStream = undefined
    let latest = this.#byStream.get(streamId)
    if (latest === exchange) {
      if (sameStream === undefined) this.#byStream.delete(streamId)
      else this.#byStream.set(streamId, sameStream)
      return
    }
    while (latest !== undefined && latest.sameStream !== exchange) latest = latest.sameStream
    if (latest !== undefined) latest.sameStream = sameStream
  }

  /** Takes all of them, in their order. */
  takeAll(): Iterable<Exchange> {
    this.#byStream.clear()
    return this.#list.takeAll()
  }
}
