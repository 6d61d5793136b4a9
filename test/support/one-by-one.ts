/**
 * A queue for what a busy machine did late among others: each piece of work begins when the one before it is over, however
 * that ended.
 *
 * @example
 * const calmly = oneByOne()
 * if (isLate()) await calmly(again)
 */
export function oneByOne(): <T>(work: () => Promise<T>) => Promise<T> {
  let before: Promise<unknown> = Promise.resolve()
  return (work) => {
    const done = before.then(work)
    before = done.catch(() => {})
    return done
  }
}
