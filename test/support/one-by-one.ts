/**
 * A queue for what a busy machine did late among others: each piece of work begins when the one before it is over, however
 * that ended. What is wrong everywhere is not late: once all of it has taken `milliseconds`, the rest is left out, so that
 * the suite ends and tells what failed.
 *
 * @example
 * const calmly = oneByOne()
 * if (isLate()) await calmly(again)
 */
export function oneByOne(milliseconds = 60_000): (work: () => Promise<void>) => Promise<void> {
  let before = Promise.resolve()
  let spent = 0
  const run = async (work: () => Promise<void>): Promise<void> => {
    if (spent > milliseconds) return
    const begun = performance.now()
    try {
      await work()
    } finally {
      spent += performance.now() - begun
    }
  }
  return (work) => {
    const done = before.then(() => run(work))
    before = done.catch(() => {})
    return done
  }
}
