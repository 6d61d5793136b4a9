import { performance } from 'node:perf_hooks'

/** A wall clock with fractions of a millisecond that does not go back. */
export function createClock(): () => number {
  const start = Date.now() - performance.now()
  return () => start + performance.now()
}
