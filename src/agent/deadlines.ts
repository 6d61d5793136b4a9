/**
 * Many deadlines, few distinct durations: one queue per duration is in order by itself, and one timer serves them
 * all. Adding and removing cost no timer, no sorting.
 */

/** Something that must have happened by a certain time. */
export interface Deadlined {
  /** Called when the time has passed and {@link DeadlineQueue.remove} was not. */
  onDeadline(): void
}

class Entry {
  readonly item: Deadlined
  readonly at: number
  next: Entry | undefined
  done = false

  constructor(item: Deadlined, at: number) {
    this.item = item
    this.at = at
  }
}

class Fifo {
  readonly duration: number
  head: Entry | undefined
  tail: Entry | undefined

  constructor(duration: number) {
    this.duration = duration
  }

  push(entry: Entry): void {
    if (this.tail === undefined) this.head = entry
    else this.tail.next = entry
    this.tail = entry
  }

  /** Drops entries at the head that were removed. */
  trim(): Entry | undefined {
    while (this.head?.done === true) this.head = this.head.next
    if (this.head === undefined) this.tail = undefined
    return this.head
  }
}

/** A deadline that was added; pass it to {@link DeadlineQueue.remove}. */
export type Deadline = Entry

/** How the queue asks to be called again: after `delay` milliseconds; the result cancels. */
export type Arm = (callback: () => void, delay: number) => () => void

/** See the head of this file. The clock and the timer are given, so tests need neither. */
export class DeadlineQueue {
  readonly #queues = new Map<number, Fifo>()
  readonly #now: () => number
  readonly #arm: Arm
  #armedFor = Number.POSITIVE_INFINITY
  #disarm: (() => void) | undefined

  constructor(now: () => number, arm: Arm) {
    this.#now = now
    this.#arm = arm
  }

  /** `duration` in milliseconds; each distinct value has its queue, so keep them few. */
  add(item: Deadlined, duration: number): Deadline {
    let queue = this.#queues.get(duration)
    if (queue === undefined) {
      queue = new Fifo(duration)
      this.#queues.set(duration, queue)
    }
    const entry = new Entry(item, this.#now() + duration)
    queue.trim()
    queue.push(entry)
    this.#rearm(entry.at)
    return entry
  }

  remove(deadline: Deadline): void {
    deadline.done = true
  }

  #rearm(at: number): void {
    if (at >= this.#armedFor) return
    this.#disarm?.()
    this.#armedFor = at
    this.#disarm = this.#arm(() => this.#expire(), Math.max(1, Math.ceil(at - this.#now())))
  }

  #expire(): void {
    this.#armedFor = Number.POSITIVE_INFINITY
    this.#disarm = undefined
    const now = this.#now()
    const due: Deadlined[] = []
    let next = Number.POSITIVE_INFINITY
    for (const queue of this.#queues.values()) {
      for (let head = queue.trim(); head !== undefined && head.at <= now; head = queue.trim()) {
        head.done = true
        due.push(head.item)
      }
      if (queue.head !== undefined) next = Math.min(next, queue.head.at)
    }
    if (next !== Number.POSITIVE_INFINITY) this.#rearm(next)
    for (const item of due) item.onDeadline()
  }

  /** Stops the timer; nothing expires any more. */
  clear(): void {
    this.#disarm?.()
    this.#disarm = undefined
    this.#armedFor = Number.POSITIVE_INFINITY
    this.#queues.clear()
  }
}
