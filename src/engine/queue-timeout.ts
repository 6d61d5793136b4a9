import { Deadlines, type Lane, type Timed } from '../base/deadlines.ts'
import { EngineError } from './errors.ts'
import type { Exchange } from './exchange.ts'

/** One exchange that began by waiting. The fields of its own deadline are taken. */
class QueueWait implements Timed<QueueWait> {
  readonly exchange: Exchange
  deadline = 0
  lane: Lane<QueueWait> | undefined
  earlier: QueueWait | undefined
  later: QueueWait | undefined

  constructor(exchange: Exchange) {
    this.exchange = exchange
  }
}

/**
 * `queueTimeout`: gives up exchanges that no connection has taken in time. Nothing is undone when one is taken: when the time
 * comes, it is seen whether the exchange still waits. One that is sent a second time has had its connection.
 */
export class QueueTimeout {
  readonly #duration: number
  readonly #waits: Deadlines<QueueWait>

  /** `duration` in milliseconds; 0: nothing is given up. */
  constructor(duration: number, fail: (exchange: Exchange, error: EngineError, now: number) => void) {
    this.#duration = duration
    this.#waits = new Deadlines<QueueWait>(({ exchange }, now) => {
      if (exchange.queue === undefined || exchange.resent) return
      exchange.queue.remove(exchange)
      fail(exchange, new EngineError('ERR_ENGINE_QUEUE_TIMEOUT', `${duration} ms`), now)
    }, false)
  }

  /** An exchange begins to wait. */
  begin(exchange: Exchange, now: number): void {
    if (this.#duration > 0) this.#waits.add(new QueueWait(exchange), this.#duration, now)
  }

  /** Stops the timers. */
  clear(): void {
    this.#waits.clear()
  }
}
