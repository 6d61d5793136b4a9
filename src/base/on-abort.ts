import { hasMethods } from './options.ts'

/** Whether something is an AbortSignal. Not `instanceof`: one of another realm (test runners make some) is good as well. */
export function isAbortSignal(given: unknown): given is AbortSignal {
  return hasMethods(given, 'addEventListener') && typeof (given as AbortSignal).aborted === 'boolean'
}

const watched = new WeakMap<AbortSignal, Set<() => void>>()

/**
 * Calls back, once, when a signal is aborted; what is returned takes that back. One signal may be given to any number of calls, the
 * one that ends a program to all: it gets one listener from here, for Node.js warns of a leak from the eleventh on.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const callbacks = watched.get(signal) ?? watch(signal)
  callbacks.add(callback)
  return () => void callbacks.delete(callback)
}

/** The listener stays: it holds nothing but the set, and that goes with the signal. */
function watch(signal: AbortSignal): Set<() => void> {
  const callbacks = new Set<() => void>()
  watched.set(signal, callbacks)
  const tell = (): void => {
    // A set may lose members while it is walked.
    for (const callback of callbacks) callback()
    callbacks.clear()
  }
  signal.addEventListener('abort', tell, { once: true })
  return callbacks
}
