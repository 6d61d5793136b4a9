/** What happened and was not looked at yet, and those who wait for more. */

interface Waiter<T> {
  readonly take: (item: T | undefined) => void
  readonly timer: NodeJS.Timeout
}

/** Taken once, so that a test's mocked timers do not stop the waiting. */
const { setTimeout: startTimer, clearTimeout: stopTimer } = globalThis

/** See the head of this file. */
export class EventQueue<T> {
  readonly #items: T[] = []
  readonly #waiters: Waiter<T>[] = []

  push(item: T): void {
    const waiter = this.#waiters.shift()
    if (waiter === undefined) {
      this.#items.push(item)
      return
    }
    stopTimer(waiter.timer)
    waiter.take(item)
  }

  /** The next item; undefined when `timeout` milliseconds have passed without one. */
  next(timeout: number): Promise<T | undefined> {
    const item = this.#items.shift()
    if (item !== undefined) return Promise.resolve(item)
    return new Promise((resolve) => {
      const timer = startTimer(() => {
        this.#waiters.splice(
          this.#waiters.findIndex((waiter) => waiter.timer === timer),
          1,
        )
        resolve(undefined)
      }, timeout)
      this.#waiters.push({ take: resolve, timer })
    })
  }

  /** What can be had without waiting. */
  peek(): T | undefined {
    return this.#items[0]
  }
}
