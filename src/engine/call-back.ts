/**
 * Calls what the user gave. What it throws is the program's own fault: it surfaces as an uncaught exception, in a turn
 * of its own, so that no connection is left in the middle of a frame.
 */
export function callBack(callback: () => void): void {
  try {
    callback()
  } catch (error) {
    throwLater(error)
  }
}

/** See {@link callBack}; for hot paths, where a closure would be one too many. */
export function throwLater(error: unknown): void {
  setImmediate(() => {
    throw error
  })
}
