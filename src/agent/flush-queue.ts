/**
 * Connections with something to send. They write one after the other when all sockets that were readable have been
 * read: the kernel's way out stays in the processor's caches, and a peer that sleeps is woken once and finds many
 * answers. Nobody waits longer for it than {@link longestWait} and one handler.
 */

/** Something with bytes to write. */
export interface Flushable {
  flush(): void
}

/** Handlers that take long must not hold back the answers of others, in milliseconds. */
const longestWait = 0.5

/** See the head of this file. One per agent. */
export class FlushQueue {
  #waiting: Flushable[] = []
  #since = 0

  /** `now` by the monotonic clock. Each is flushed as often as it was added. */
  add(outbox: Flushable, now: number): void {
    if (this.#waiting.push(outbox) === 1) {
      this.#since = now
      setImmediate(this.flush)
    } else if (now - this.#since > longestWait) this.flush()
  }

  /** Flushes all, now. */
  readonly flush = (): void => {
    const waiting = this.#waiting
    if (waiting.length === 0) return
    this.#waiting = []
    for (const outbox of waiting) outbox.flush()
  }
}
