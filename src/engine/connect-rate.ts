import { Frequency } from '../base/frequency.ts'

/** `maxconnrate`: connections that an engine may begin in a second. Pure: time is an argument, in milliseconds. */
export class ConnectRate {
  readonly #most: number
  readonly #frequency = new Frequency()

  /** 0: no limit. */
  constructor(most: number) {
    this.#most = most
  }

  allows(now: number): boolean {
    return this.#most === 0 || this.#frequency.read(now) + 1 <= this.#most
  }

  count(now: number): void {
    if (this.#most > 0) this.#frequency.count(now)
  }

  /** How long until it is worth asking again, in milliseconds. */
  get pause(): number {
    return 1000 / Math.max(1, this.#most)
  }
}
