/** A table of numbers by unsigned 32-bit keys that makes no object for an entry: a `Map` takes long to hold a million. */

/** Spreads keys in a row (Knuth, The Art of Computer Programming 6.4). */
const golden = 0x9e3779b1

export class NumberTable {
  #keys = new Uint32Array(4)
  /** One more than the number of a key; 0 where a slot is free. */
  #numbers = new Int32Array(4)
  #shift = 30
  #size = 0

  /** How many keys have a number. */
  get size(): number {
    return this.#size
  }

  /** The number of a key, or -1. */
  get(key: number): number {
    return (this.#numbers[this.#slotOf(key)] ?? 0) - 1
  }

  /** Gives a key a number from 0 to 2147483646, in place of the one that it has. */
  set(key: number, number: number): void {
    const slot = this.#slotOf(key)
    if (this.#numbers[slot] === 0) this.#size++
    this.#keys[slot] = key
    this.#numbers[slot] = number + 1
    if (this.#size * 2 > this.#keys.length) this.#grow()
  }

  /** The slot of a key, or the free one that it would have. */
  #slotOf(key: number): number {
    const last = this.#keys.length - 1
    let slot = Math.imul(key, golden) >>> this.#shift
    while (this.#numbers[slot] !== 0 && this.#keys[slot] !== key) slot = (slot + 1) & last
    return slot
  }

  #grow(): void {
    const keys = this.#keys
    const numbers = this.#numbers
    this.#keys = new Uint32Array(keys.length * 2)
    this.#numbers = new Int32Array(keys.length * 2)
    this.#shift--
    for (let old = 0; old < keys.length; old++) {
      if (numbers[old] === 0) continue
      const slot = this.#slotOf(keys[old] ?? 0)
      this.#keys[slot] = keys[old] ?? 0
      this.#numbers[slot] = numbers[old] ?? 0
    }
  }
}
