// A small generator of random numbers with a seed (mulberry32): a run can be repeated exactly.

export function createRandom(seed) {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  /** A whole number from 0 to `count - 1`. */
  const below = (count) => next() % count
  return {
    next,
    below,
    /** True once in `count` times. */
    once: (count) => next() % count === 0,
    pick: (list) => list[next() % list.length],
  }
}
