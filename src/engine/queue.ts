import { Writer } from '../bytes/writer.ts'
import { encodeMessages, type MessageInput } from '../spop/notify.ts'
import { EngineError } from './errors.ts'
import { ExchangeList, type Exchange } from './exchange.ts'

/** See `EngineOptions`. */
export interface QueueLimits {
  readonly maxQueue: number
  readonly maxQueueSize: number
}

/** Exchanges that wait for a connection, encoded and in order, within the limits. */
export class Queue {
  readonly #limits: QueueLimits
  readonly #list = new ExchangeList()
  readonly #scratch = new Writer()
  #bytes = 0

  constructor(limits: QueueLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#list.size
  }

  /** The one that waits longest. */
  get first(): Exchange | undefined {
    return this.#list.first
  }

  /**
   * Encodes the messages, as the caller may change them later, and adds the exchange; answers why it may not wait.
   * @throws SpopError `ERR_SPOP_VALUE`.
   */
  add(exchange: Exchange, messages: readonly MessageInput[]): EngineError | undefined {
    const scratch = this.#scratch
    const { maxQueue, maxQueueSize } = this.#limits
    scratch.reset()
    encodeMessages(scratch, messages)
    if (this.#list.size >= maxQueue) return full(`maxQueue is ${maxQueue}`)
    if (this.#bytes + scratch.at > maxQueueSize) return full(`maxQueueSize is ${maxQueueSize}`)
    exchange.payload = Buffer.from(scratch.view())
    this.#bytes += scratch.at
    this.#list.push(exchange)
    return undefined
  }

  /** Takes it out; its payload stays with it. */
  remove(exchange: Exchange): void {
    this.#list.remove(exchange)
    this.#bytes -= exchange.payload?.length ?? 0
  }

  /** Empties the queue. */
  takeAll(): Exchange[] {
    this.#bytes = 0
    const all = this.#list.takeAll()
    for (const exchange of all) exchange.payload = undefined
    return all
  }
}

function full(detail: string): EngineError {
  return new EngineError('ERR_ENGINE_QUEUE_FULL', detail)
}
