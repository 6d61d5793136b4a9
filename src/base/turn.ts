/** Something with bytes to write, or another thing to do at the end of a turn. */
export interface Flushable {
  flush(): void
}

/**
 * The end of a turn of the loop, for whoever writes: it comes when all sockets that were readable have been read, so that
 * what they caused leaves in one write per connection (`process.nextTick` would come after each socket). Connections then
 * write one after the other: the kernel's way out stays in the processor's caches, and a peer that sleeps is woken once and
 * finds many answers.
 */
export class Turn {
  /** In milliseconds. */
  readonly #longestWait: number
  #waiting: Flushable[] = []
  #since = 0

  /** `longestWait`: what is added later than that after the first ends the turn early, in milliseconds. */
  constructor(longestWait = Infinity) {
    this.#longestWait = longestWait
  }

  /** `now` by the monotonic clock; of no use without a longest wait. Each is flushed as often as it was added. */
  add(item: Flushable, now = 0): void {
    if (this.#waiting.push(item) === 1) {
      this.#since = now
      setImmediate(this.end)
    } else if (now - this.#since > this.#longestWait) this.end()
  }

  /** Ends the turn now. What is added meanwhile waits for the next one. */
  readonly end = (): void => {
    const waiting = this.#waiting
    if (waiting.length === 0) return
    this.#waiting = []
    for (const item of waiting) item.flush()
  }
}
