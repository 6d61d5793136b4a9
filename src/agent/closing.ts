import type { Duplex } from 'node:stream'

/** A peer that was told has this long to end its half, in milliseconds. */
const patience = 1000

/** The end of a connection's socket: half close first, cut off when the peer does not end its own half. */
export class Closing {
  readonly #socket: Duplex
  readonly #delay: number
  #timer: NodeJS.Timeout | undefined
  #ended = false

  /** `delay`: how long the socket stays open after the last frame, in milliseconds. */
  constructor(socket: Duplex, delay: number) {
    this.#socket = socket
    this.#delay = delay
  }

  /** Ends our half after the delay; HAProxy 3.5 loses the status of a connection that ends at once. */
  endSoon(): void {
    if (!this.#ended) this.#timer ??= setTimeout(() => this.end(), this.#delay)
  }

  /** Ends our half as soon as everything is sent. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    clearTimeout(this.#timer)
    // A peer that reads slowly has its answers first; one that reads nothing is `stallTimeout`'s.
    this.#socket.end(() => this.#awaitPeer())
  }

  #awaitPeer(): void {
    if (this.#socket.destroyed) return
    this.#timer = setTimeout(() => this.#socket.destroy(), this.#delay + patience)
  }

  clear(): void {
    clearTimeout(this.#timer)
  }
}
