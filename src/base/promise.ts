/** Whether what somebody's function has answered has a `then`, and is to be waited for. */
export function isPromise(value: unknown): value is PromiseLike<void> {
  return (
    typeof value === 'object' && value !== null && typeof (value as PromiseLike<void>).then === 'function'
  )
}

/**
 * What somebody's function has answered, which must be there at once. @throws Error for a promise: it is true, whatever
 * becomes of it.
 */
export function notPromised<Value>(who: string, answer: Value): Value {
  if (!isPromise(answer)) return answer
  // It would end the process when it rejects.
  answer.then(undefined, () => {})
  throw new Error(`${who} has answered a promise, and must answer at once: with what was found out before`)
}

/** A promise and the way to settle it. */
export class Deferred {
  readonly promise: Promise<void>
  resolve: () => void = () => {}

  constructor() {
    this.promise = new Promise((resolve) => (this.resolve = resolve))
  }
}
