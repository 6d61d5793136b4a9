/** A piece of input, and how many exchanges keep it. */
export interface Held {
  readonly bytes: Buffer
  count: number
}

/**
 * What of a connection's input is kept by handlers that are not done: a context can be asked for the whole message. A
 * message keeps the chunk that it came in, so a chunk counts once, as a whole, from the first of its messages that is held
 * to the last that is let go. Pure.
 */
export class HeldInput {
  /** In bytes. */
  size = 0
  #latest: Held | undefined

  /** Something in `bytes` is kept; the answer is for {@link HeldInput.letGo}. */
  hold(bytes: Buffer): Held {
    let held = this.#latest
    if (held?.bytes !== bytes) {
      held = { bytes, count: 0 }
      this.#latest = held
      this.size += bytes.length
    }
    held.count++
    return held
  }

  /** Nothing is kept any more. */
  clear(): void {
    this.size = 0
    this.#latest = undefined
  }

  /** It is kept no more. */
  letGo(held: Held): void {
    held.count--
    if (held.count > 0) return
    this.size -= held.bytes.length
    if (this.#latest === held) this.#latest = undefined
  }
}
