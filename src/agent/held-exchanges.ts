import { LinkedList } from '../base/linked-list.ts'
import type { Id } from '../spop/frame-head.ts'
import type { Exchange } from './exchange.ts'
import { HeldInput } from './held-input.ts'

/** HAProxy has 20 in flight: looking through so many costs less than an index of them. */
const mostSearched = 64

/**
 * The exchanges of a connection that wait for their handlers, in the order in which they came, and by their ids; and what
 * of its input they keep.
 */
export class HeldExchanges {
  readonly #input = new HeldInput()
  readonly #list = new LinkedList<Exchange>()
  /**
   * The latest of each stream, the others linked behind it: from the moment when there are many, until there are none.
   */
  #byStream: Map<Id, Exchange> | undefined

  /** Of those that wait now or did a while ago. HAProxy counts its streams upwards: what is above is not here. */
  #highest: Id = -1

  get size(): number {
    return this.#list.size
  }

  get first(): Exchange | undefined {
    return this.#list.first
  }

  /** Bytes of input that they keep. */
  get inputSize(): number {
    return this.#input.size
  }

  /** One that came in `bytes`. */
  push(exchange: Exchange, bytes: Buffer): void {
    exchange.input = this.#input.hold(bytes)
    this.#list.push(exchange)
    if (exchange.streamId > this.#highest) this.#highest = exchange.streamId
    if (this.#byStream !== undefined) addTo(this.#byStream, exchange)
    else if (this.#list.size > mostSearched) this.#byStream = this.#makeIndex()
  }

  #makeIndex(): Map<Id, Exchange> {
    const index = new Map<Id, Exchange>()
    for (let each = this.#list.first; each !== undefined; each = each.next) addTo(index, each)
    return index
  }

  /** The one with these ids, if it is still waited for. */
  find(streamId: Id, frameId: Id): Exchange | undefined {
    if (streamId > this.#highest) return undefined
    if (this.#byStream !== undefined) return findIn(this.#byStream.get(streamId), frameId)
    let exchange = this.#list.first
    while (exchange !== undefined && (exchange.streamId !== streamId || exchange.frameId !== frameId))
      exchange = exchange.next
    return exchange
  }

  remove(exchange: Exchange): void {
    if (exchange.input !== undefined) this.#input.letGo(exchange.input)
    exchange.input = undefined
    this.#list.remove(exchange)
    if (this.#list.size === 0) this.#reset()
    else if (this.#byStream !== undefined) removeFrom(this.#byStream, exchange)
  }

  #reset(): void {
    this.#byStream = undefined
    this.#highest = -1
  }

  /** Takes all of them, in their order. Each has its `input` still, for who adopts it. */
  takeAll(): Iterable<Exchange> {
    this.#reset()
    this.#input.clear()
    return this.#list.takeAll()
  }
}

function addTo(index: Map<Id, Exchange>, exchange: Exchange): void {
  exchange.sameStream = index.get(exchange.streamId)
  index.set(exchange.streamId, exchange)
}

function findIn(latest: Exchange | undefined, frameId: Id): Exchange | undefined {
  let exchange = latest
  while (exchange !== undefined && exchange.frameId !== frameId) exchange = exchange.sameStream
  return exchange
}

function removeFrom(index: Map<Id, Exchange>, exchange: Exchange): void {
  const { streamId, sameStream } = exchange
  let latest = index.get(streamId)
  if (latest === exchange) {
    if (sameStream === undefined) index.delete(streamId)
    else index.set(streamId, sameStream)
    return
  }
  while (latest !== undefined && latest.sameStream !== exchange) latest = latest.sameStream
  if (latest !== undefined) latest.sameStream = sameStream
}
