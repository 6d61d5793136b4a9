/** When a connection is made again: at once the first time, then with pauses that grow to a second. */

const longestPause = 1000

/** See the head of this file. */
export class Reconnect {
  readonly #connect: () => void
  #pause = 0
  #timer: NodeJS.Timeout | undefined
  #stopped = false
  /** Why the last attempt failed; undefined after one that went well. */
  reason: string | undefined

  constructor(connect: () => void) {
    this.#connect = connect
  }

  /** After a connection that was good. */
  soon(): void {
    this.#pause = 0
    this.reason = undefined
    this.#begin()
  }

  /** After one that failed, or was lost early. */
  later(reason: string): void {
    this.reason = reason
    this.#begin()
    this.#pause = Math.min(longestPause, this.#pause === 0 ? 10 : this.#pause * 2)
  }

  #begin(): void {
    if (this.#stopped) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(this.#connect, this.#pause)
  }

  /** No more attempts. */
  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }
}
