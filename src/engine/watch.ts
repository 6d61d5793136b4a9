/** What the clock means for an open connection. Pure. */
import type { Slots } from './slots.ts'

/** Timers may be early by less than a millisecond. */
const timerSlack = 1

/**
 * To be called when the timer of an open connection comes; the timer is not moved with each exchange. Answers when to
 * look again (milliseconds; undefined: never), or that it is to `leave`, being idle, or to be given up as `unresponsive`.
 */
export function watch(
  slots: Slots,
  limits: { readonly idleTimeout: number; readonly processingTimeout: number },
  now: number,
): number | 'leave' | 'unresponsive' | undefined {
  const { idleTimeout, processingTimeout } = limits
  if (slots.suspect) {
    const rest = slots.suspectSince + processingTimeout - now
    if (rest > timerSlack) return rest
    // Somebody with a longer deadline may still wait.
    return slots.live > 0 ? processingTimeout : 'unresponsive'
  }
  if (idleTimeout === 0) return undefined
  if (slots.size > 0) return idleTimeout
  const rest = slots.idleSince + idleTimeout - now
  return rest > timerSlack ? rest : 'leave'
}
