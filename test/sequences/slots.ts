/**
 * Places that one case at a time may use. Where nothing on the wire says which case a connection belongs to, each place has
 * a frontend, an origin and an agent of its own, and all of them are in one configuration.
 */
export class Slots<Slot> {
  readonly #free: Slot[]
  readonly #waiting: ((slot: Slot) => void)[] = []

  constructor(slots: readonly Slot[]) {
    this.#free = [...slots]
  }

  async use<T>(work: (slot: Slot) => Promise<T>): Promise<T> {
    const slot = this.#free.pop() ?? (await new Promise<Slot>((resolve) => this.#waiting.push(resolve)))
    try {
      return await work(slot)
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free.push(slot)
      else next(slot)
    }
  }
}
