/**
 * Deadlines without a timer per exchange. Exchanges of one timeout end in the order in which they began, so each
 * timeout has a lane, first in first out, and one timer for the head of it.
 */
import { monotonic } from '../clock.ts'
import type { Exchange } from './exchange.ts'

/** The exchanges of one timeout, oldest first. Pure. */
export class Lane {
  readonly timeout: number
  first: Exchange | undefined
  #last: Exchange | undefined

  constructor(timeout: number) {
    this.timeout = timeout
  }

  add(exchange: Exchange, now: number): void {
    const last = this.#last
    exchange.deadline = now + this.timeout
    exchange.earlier = last
    exchange.later = undefined
    if (last === undefined) this.first = exchange
    else last.later = exchange
    this.#last = exchange
  }

  remove(exchange: Exchange): void {
    const { earlier, later } = exchange
    if (earlier === undefined) this.first = later
    else earlier.later = later
    if (later === undefined) this.#last = earlier
    else later.earlier = earlier
    exchange.earlier = undefined
    exchange.later = undefined
  }

  /** Takes the head if it is due. */
  take(now: number): Exchange | undefined {
    const first = this.first
    if (first === undefined || first.deadline > now) return undefined
    this.remove(first)
    return first
  }
}

/** `setTimeout` counts from the start of the loop's turn, so it may be early by less than this. */
const slack = 1

/** All lanes, and their timers. The timers keep no process alive: the sockets do. */
export class Deadlines {
  readonly #lanes = new Map<number, Lane>()
  readonly #timers = new Map<Lane, NodeJS.Timeout>()
  readonly #onExpired: (exchange: Exchange, now: number) => void

  /** `onExpired` gets exchanges that are in no lane any more. */
  constructor(onExpired: (exchange: Exchange, now: number) => void) {
    this.#onExpired = onExpired
  }

  add(exchange: Exchange, timeout: number, now: number): void {
    let lane = this.#lanes.get(timeout)
    if (lane === undefined) {
      lane = new Lane(timeout)
      this.#lanes.set(timeout, lane)
      this.#arm(lane, timeout)
    }
    lane.add(exchange, now)
    exchange.lane = lane
  }

  /** Also for exchanges that are in no lane. */
  remove(exchange: Exchange): void {
    exchange.lane?.remove(exchange)
    exchange.lane = undefined
  }

  #arm(lane: Lane, delay: number): void {
    const timer = setTimeout(() => this.#check(lane), delay)
    timer.unref()
    this.#timers.set(lane, timer)
  }

  /** Taking a timer down with each answer would cost more than letting it find nothing. */
  #check(lane: Lane): void {
    const now = monotonic()
    let exchange: Exchange | undefined
    while ((exchange = lane.take(now + slack)) !== undefined) {
      exchange.lane = undefined
      this.#onExpired(exchange, now)
    }
    if (lane.first !== undefined) this.#arm(lane, Math.max(1, lane.first.deadline - now))
    else this.#forget(lane)
  }

  #forget(lane: Lane): void {
    this.#timers.delete(lane)
    this.#lanes.delete(lane.timeout)
  }

  /** Stops all timers. */
  clear(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
    this.#lanes.clear()
  }
}
