/** A bad network on purpose: writes that leave in small pieces, or late. */
import { performance } from 'node:perf_hooks'

/** What is done to all that is written. */
export interface WriteFaults {
  /** Bytes of each piece; 0: not cut. Each piece is a segment of its own. */
  readonly slice: number
  /** How late it leaves, in milliseconds: a number between the two each time. The order is kept. */
  readonly latency: readonly [least: number, most: number]
}

/** See the head of this file. */
export class FaultyWriter {
  readonly #faults: WriteFaults
  readonly #write: (bytes: Buffer) => void
  readonly #pieces: { readonly bytes: Buffer; readonly at: number }[] = []
  #timer: NodeJS.Timeout | NodeJS.Immediate | undefined
  #latest = 0

  constructor(faults: WriteFaults, write: (bytes: Buffer) => void) {
    this.#faults = faults
    this.#write = write
  }

  /** The bytes stay as they are: the caller gives them away. */
  write(bytes: Buffer): void {
    const { slice, latency } = this.#faults
    const [least, most] = latency
    const delay = least + Math.random() * (most - least)
    this.#latest = Math.max(this.#latest, performance.now() + delay)
    const size = slice === 0 ? bytes.length : slice
    for (let at = 0; at < bytes.length; at += size) {
      this.#pieces.push({ bytes: bytes.subarray(at, at + size), at: this.#latest })
    }
    if (this.#timer === undefined) this.#next()
  }

  #next(): void {
    const [first] = this.#pieces
    this.#timer = undefined
    if (first === undefined) return
    const wait = first.at - performance.now()
    this.#timer = wait > 0 ? setTimeout(this.#release, wait) : setImmediate(this.#release)
  }

  readonly #release = (): void => {
    const [first] = this.#pieces
    // A timer may be early by a part of a millisecond.
    if (first !== undefined && first.at <= performance.now()) {
      this.#pieces.shift()
      this.#write(first.bytes)
    }
    this.#next()
  }

  /** What waits never leaves. */
  stop(): void {
    this.#pieces.length = 0
    // One of the two is without effect.
    clearTimeout(this.#timer as NodeJS.Timeout)
    clearImmediate(this.#timer as NodeJS.Immediate)
  }
}
