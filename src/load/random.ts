/** Random numbers that are the same in each run: what is measured twice is asked the same. */

/** xorshift32: 32 bits in a few instructions, which is random enough for addresses. */
export class Random {
  #state: number

  /** `seed`: any number but 0, which becomes 1. */
  constructor(seed = 1) {
    this.#state = seed | 0 || 1
  }

  /** 32 bits, as a whole number from 0. */
  bits(): number {
    let x = this.#state
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.#state = x
    return x >>> 0
  }

  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number {
    const span = most - least + 1
    const bits = span > 0xffff_ffff ? this.bits() * 0x10_0000 + (this.bits() >>> 12) : this.bits()
    return least + (bits % span)
  }
}
