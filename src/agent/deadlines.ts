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
  /** Undefined when it was removed or has expired. */
  queue: Fifo | undefined
  previous: Entry | undefined
  next: Entry | undefined

  constructor(item: Deadlined, at: number) {
    this.item = item
    this.at = at
  }
}

class Fifo {
  head: Entry | undefined
  tail: Entry | undefined

  push(entry: Entry): void {
    entry.queue = this
    entry.previous = this.tail
    if (this.tail === undefined) this.head = entry
    else this.tail.next = entry
    this.tail = entry
  }

  /** At once: an entry that stayed behind a slow one would keep its message in memory. */
  unlink(entry: Entry): void {
    const { previous, next } = entry
    if (previous === undefined) this.head = next
    else previous.next = next
    if (next === undefined) this.tail = previous
    else next.previous = previous
    entry.queue = undefined
    entry.previous = undefined
    entry.next = undefined
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
      queue = new Fifo()
      this.#queues.set(duration, queue)
    }
    const entry = new Entry(item, this.#now() + duration)
    queue.push(entry)
    this.#rearm(entry.at)
    return entry
  }

  /** Harmless when it was removed, or has expired. */
  remove(deadline: Deadline): void {
    deadline.queue?.unlink(deadline)
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
      for (let { head } = queue; head !== undefined && head.at <= now; { head } = queue) {
        queue.unlink(head)
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
