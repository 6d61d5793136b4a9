/** The one place that reads the clock. Pure modules never do: time reaches them as an argument. */

/** Milliseconds since an arbitrary start, with a fraction, never going backwards. */
export function monotonic(): number {
  return performance.now()
}

/** Milliseconds since 1970. */
export function wallClock(): number {
  return Date.now()
}
