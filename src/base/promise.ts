/** Whether what somebody's function has answered has a `then`, and is to be waited for. */
export function isPromise(value: unknown): value is PromiseLike<void> {
  return (
    typeof value === 'object' && value !== null && typeof (value as PromiseLike<void>).then === 'function'
  )
}
