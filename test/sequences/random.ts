/**
 * A generator of random numbers with a seed (mulberry32), and the choices that are made with it. What is made with one
 * seed can be made again; `fork` gives each part numbers of its own, so that a part can be made alone.
 */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return (mixed ^ (mixed >>> 14)) >>> 0
  }

  /** The generator of a part, which depends on this one's seed and on the number alone when nothing was drawn yet. */
  fork(part: number): Random {
    return new Random(Math.imul(this.#next() ^ part, 0x9e3779b1) ^ part)
  }

  /** A whole number from 0 to `count - 1`. */
  below(count: number): number {
    return this.#next() % count
  }

  /** A whole number from `least` to `most`. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1)
  }

  /** True `percent` times out of a hundred. */
  chance(percent: number): boolean {
    return this.below(100) < percent
  }

  pick<T>(list: readonly [T, ...T[]] | readonly T[]): T {
    const found = list[this.below(list.length)]
    if (found === undefined) throw new Error('nothing to pick from')
    return found
  }

  /** One of the keys; each is as likely as its weight says. */
  weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name {
    const names = Object.keys(weights) as Name[]
    let left = this.below(names.reduce((sum, name) => sum + weights[name], 0))
    for (const name of names) {
      if (left < weights[name]) return name
      left -= weights[name]
    }
    throw new Error('nothing to pick from')
  }

  /** `count` of a list, in its order. */
  some<T>(list: readonly T[], count: number): T[] {
    const left = list.map((_, at) => at)
    while (left.length > count) left.splice(this.below(left.length), 1)
    return left.map((at) => list[at] as T)
  }
}
