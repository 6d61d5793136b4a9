/**
 * Deadlines without a timer each. What has the same time to live ends in the order in which it was added, so each
 * duration has a lane, first in first out, and one timer for the head of it. Items are linked through their own fields:
 * adding and removing allocate nothing, and an item that is done is not kept alive by a slow one before it.
 */
import { longestTimer, monotonic } from './clock.ts'

/** What can be given a deadline. The fields belong to its lane. */
export interface Timed<T extends Timed<T>> {
  /** By the monotonic clock, in milliseconds. */
  deadline: number
  lane: Lane<T> | undefined
  earlier: T | undefined
  later: T | undefined
}

/**
 * The items of one duration, oldest first. Their links are not those of a LinkedList, for an item may stand in one of
 * these at the same time. Pure.
 */
export class Lane<T extends Timed<T>> {
  /** In milliseconds. */
  readonly duration: number
  first: T | undefined
  #last: T | undefined

  constructor(duration: number) {
    this.duration = duration
  }

  add(item: T, now: number): void {
    const last = this.#last
    item.deadline = now + this.duration
    item.lane = this
    item.earlier = last
    item.later = undefined
    if (last === undefined) this.first = item
    else last.later = item
    this.#last = item
  }

  remove(item: T): void {
    const { earlier, later } = item
    if (earlier === undefined) this.first = later
    else earlier.later = later
    if (later === undefined) this.#last = earlier
    else later.earlier = earlier
    item.lane = undefined
    item.earlier = undefined
    item.later = undefined
  }

  /** Takes the head if it is due. */
  take(now: number): T | undefined {
    const { first } = this
    if (first === undefined || first.deadline > now) return undefined
    this.remove(first)
    return first
  }
}

/** What may be one of several kinds, and knows itself what to do then. */
export interface Expiring extends Timed<Expiring> {
  expire(): void
}

/** `setTimeout` counts from the start of the loop's turn, so it may be early by less than this. */
const slack = 1

/** All lanes, and their timers. */
export class Deadlines<T extends Timed<T>> {
  readonly #lanes = new Map<number, Lane<T>>()
  readonly #timers = new Map<Lane<T>, NodeJS.Timeout>()
  readonly #onExpired: (item: T, now: number) => void
  readonly #keepsAlive: boolean

  /**
   * `onExpired` gets items that are in no lane any more, and must not throw. `keepsAlive` says whether the process may
   * not end while a deadline is open.
   */
  constructor(onExpired: (item: T, now: number) => void, keepsAlive: boolean) {
    this.#onExpired = onExpired
    this.#keepsAlive = keepsAlive
  }

  /**
   * `duration` in milliseconds; each distinct value costs a timer while it is in use. `now` may be past, if it is never before
   * that of an earlier item.
   */
  add(item: T, duration: number, now: number): void {
    let lane = this.#lanes.get(duration)
    if (lane === undefined) {
      lane = new Lane(duration)
      this.#lanes.set(duration, lane)
      this.#arm(lane, Math.max(1, now + duration - monotonic()))
    }
    lane.add(item, now)
  }

  /** Harmless when it was removed, or has expired. */
  remove(item: T): void {
    item.lane?.remove(item)
  }

  /** Moves the deadline of an item, or gives it one; undefined takes it away. */
  arm(item: T, duration: number | undefined, now: number): void {
    const { lane } = item
    if (lane !== undefined) {
      lane.remove(item)
      if (lane.duration === duration) return lane.add(item, now)
    }
    if (duration !== undefined && duration <= longestTimer) this.add(item, duration, now)
  }

  #arm(lane: Lane<T>, delay: number): void {
    const timer = setTimeout(() => this.#check(lane), delay)
    if (!this.#keepsAlive) timer.unref()
    this.#timers.set(lane, timer)
  }

  /** Taking a timer down with each answer would cost more than letting it find nothing. */
  #check(lane: Lane<T>): void {
    const now = monotonic()
    let item: T | undefined
    while ((item = lane.take(now + slack)) !== undefined) this.#onExpired(item, now)
    // Cleared, or cleared and begun again, by what expired.
    if (this.#lanes.get(lane.duration) !== lane) return
    if (lane.first !== undefined) this.#arm(lane, Math.max(1, lane.first.deadline - now))
    else this.#forget(lane)
  }

  #forget(lane: Lane<T>): void {
    this.#timers.delete(lane)
    this.#lanes.delete(lane.duration)
  }

  /** Stops all timers. */
  clear(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
    this.#lanes.clear()
  }
}
