/**
 * Finds numbers by 32-bit hashes: chains within arrays of integers, which cost no object for an entry.
 *
 * A number has one hash. Texts differ that have the same one, so whoever asks compares them.
 */

/** Spreads hashes over slots (Knuth, The Art of Computer Programming 6.4). */
const golden = 0x9e3779b1

export class HashChains {
  /** The highest bits of a mixed hash are the slot. */
  readonly #shift: number
  /** One more than the first number of each slot; 0 for none. */
  readonly #heads: Int32Array
  /** One more than the number behind each number; 0 for none. */
  readonly #next: Int32Array
  readonly #hashes: Int32Array

  /** For the numbers below `count`. */
  constructor(count: number) {
    // Two slots for a number, at least: most of what is looked for and is not there finds an empty one.
    const bits = Math.max(1, 33 - Math.clz32(count))
    this.#shift = 32 - bits
    this.#heads = new Int32Array(1 << bits)
    this.#next = new Int32Array(count)
    this.#hashes = new Int32Array(count)
  }

  get slots(): number {
    return this.#heads.length
  }

  slotOf(hash: number): number {
    return Math.imul(hash ^ (hash >>> 15), golden) >>> this.#shift
  }

  /** Puts a number in front of those of its slot: add the highest first, and chains begin with the lowest. */
  add(number: number, hash: number): void {
    const slot = this.slotOf(hash)
    this.#hashes[number] = hash
    this.#next[number] = this.#heads[slot] ?? 0
    this.#heads[slot] = number + 1
  }

  /** The first number with this hash, or -1. */
  first(hash: number): number {
    return this.#seek(this.#heads[this.slotOf(hash)] ?? 0, hash)
  }

  /** The next number with the hash of this one, or -1. */
  after(number: number): number {
    return this.#seek(this.#next[number] ?? 0, this.#hashes[number] ?? 0)
  }

  #seek(from: number, hash: number): number {
    let link = from
    while (link !== 0 && this.#hashes[link - 1] !== hash) link = this.#next[link - 1] ?? 0
    return link - 1
  }
}
