import { Buffer } from 'node:buffer'
import { Writer } from '../bytes/writer.ts'
import { encodeMessages, type NotifyInput } from '../spop/notify.ts'
import { EngineError } from './errors.ts'
import { ExchangeList, type Exchange } from './exchange.ts'

/** See `EngineOptions`. */
export interface QueueLimits {
  readonly maxQueue: number
  readonly maxQueueSize: number
}

/** What all queues of an engine may hold together, and the room in which messages are encoded for them. */
export class QueueBudget {
  /** Exchanges that wait. */
  size = 0
  bytes = 0
  readonly limits: QueueLimits
  readonly scratch = new Writer()

  constructor(limits: QueueLimits) {
    this.limits = limits
  }
}

/** Exchanges that wait for a connection, encoded and in order, within the limits. */
export class Queue {
  readonly #budget: QueueBudget
  readonly #list = new ExchangeList()

  constructor(budget: QueueBudget) {
    this.#budget = budget
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
  add(exchange: Exchange, messages: NotifyInput): EngineError | undefined {
    const { scratch, size, bytes, limits } = this.#budget
    scratch.reset()
    encodeMessages(scratch, messages)
    if (size >= limits.maxQueue) return full(`maxQueue is ${limits.maxQueue}`)
    if (bytes + scratch.at > limits.maxQueueSize) return full(`maxQueueSize is ${limits.maxQueueSize}`)
    exchange.payload = Buffer.from(scratch.view())
    this.push(exchange)
    return undefined
  }

  /** Adds one that is encoded, whatever the limits: it was let in before. */
  push(exchange: Exchange): void {
    exchange.queue = this
    this.#list.push(exchange)
    this.#budget.size++
    this.#budget.bytes += exchange.payload?.length ?? 0
  }

  /** Takes it out; its payload stays with it. */
  remove(exchange: Exchange): void {
    exchange.queue = undefined
    this.#list.remove(exchange)
    this.#budget.size--
    this.#budget.bytes -= exchange.payload?.length ?? 0
  }

  /** Empties the queue. */
  takeAll(): Exchange[] {
    const all: Exchange[] = []
    let exchange: Exchange | undefined
    while ((exchange = this.#list.first) !== undefined) {
      all.push(exchange)
      this.remove(exchange)
    }
    return all
  }
}

function full(detail: string): EngineError {
  return new EngineError('ERR_ENGINE_QUEUE_FULL', detail)
}
