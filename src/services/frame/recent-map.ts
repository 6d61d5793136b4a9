/** What was looked up last, and no more than so much of it. */

/** A map that forgets what was not asked for longest. */
export class RecentMap<Key, Value> {
  readonly #most: number
  readonly #values = new Map<Key, Value>()

  /** `most` of 0 keeps nothing. */
  constructor(most: number) {
    this.#most = most
  }

  get size(): number {
    return this.#values.size
  }

  get(key: Key): Value | undefined {
    const value = this.#values.get(key)
    if (value === undefined) return undefined
    // A Map iterates in the order of insertion.
    this.#values.delete(key)
    this.#values.set(key, value)
    return value
  }

  set(key: Key, value: Value): void {
    if (this.#most === 0) return
    this.#values.delete(key)
    this.#values.set(key, value)
    if (this.#values.size <= this.#most) return
    for (const oldest of this.#values.keys()) {
      this.#values.delete(oldest)
      return
    }
  }

  delete(key: Key): void {
    this.#values.delete(key)
  }
}
