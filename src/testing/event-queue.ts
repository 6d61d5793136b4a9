import { LinkedList, type Linked } from '../base/linked-list.ts'

interface Waiter<T> extends Linked<Waiter<T>> {
  readonly take: (item: T | undefined) => void
  timer: NodeJS.Timeout | undefined
  waits: boolean
}

/** Taken once, so that a test's mocked timers do not stop the waiting. */
const { setTimeout: startTimer, clearTimeout: stopTimer, setImmediate: later } = globalThis

/** Turns of the event loop that are waited when the time is up: the process may have stood still, with all there. */
const graceTurns = 10

/** What happened and was not looked at yet, and those who wait for more. */
export class EventQueue<T> {
  readonly #items: T[] = []
  readonly #waiters = new LinkedList<Waiter<T>>()

  push(item: T): void {
    const waiter = this.#waiters.first
    if (waiter === undefined) {
      this.#items.push(item)
      return
    }
    stopTimer(waiter.timer)
    this.#settle(waiter, item)
  }

  #settle(waiter: Waiter<T>, item: T | undefined): void {
    this.#waiters.remove(waiter)
    waiter.waits = false
    waiter.take(item)
  }

  /** The next item; undefined when `timeout` milliseconds have passed without one. */
  next(timeout: number): Promise<T | undefined> {
    const item = this.#items.shift()
    if (item !== undefined) return Promise.resolve(item)
    return new Promise((resolve) => {
      const waiter: Waiter<T> = {
        take: resolve,
        timer: undefined,
        waits: true,
        previous: undefined,
        next: undefined,
      }
      waiter.timer = startTimer(() => this.#expire(waiter, graceTurns), timeout)
      this.#waiters.push(waiter)
    })
  }

  #expire(waiter: Waiter<T>, turns: number): void {
    if (!waiter.waits) return
    if (turns > 0) {
      later(() => this.#expire(waiter, turns - 1))
      return
    }
    this.#settle(waiter, undefined)
  }

  /** What can be had without waiting. */
  peek(): T | undefined {
    return this.#items[0]
  }
}
