/** Whether the event loop has looked at all sockets since something happened, so that what had come by then is known. */

/** Rounds of the loop that were counted; it stands still while nobody waits. */
let round = 0
/** Rounds that are still to be counted. */
let left = 0
let waiting: { readonly since: number; readonly callback: () => void }[] = []

/**
 * A socket that was read in one round is looked at again in the next: only when that one is over too has all been heard
 * that the peer said right behind what was read.
 */
const enough = 2

function count(): void {
  round++
  if (--left > 0) setImmediate(count)
  if (waiting.length === 0) return
  const due = waiting.filter(({ since }) => wasPolledSince(since))
  waiting = waiting.filter(({ since }) => !wasPolledSince(since))
  for (const { callback } of due) callback()
}

/** The round that is going on, for {@link wasPolledSince}. */
export function pollRound(): number {
  if (left === 0) setImmediate(count)
  left = enough
  return round
}

/** Whether all sockets were looked at since `pollRound` answered `since`. */
export function wasPolledSince(since: number): boolean {
  return round - since >= enough
}

/** Calls back as soon as all sockets were looked at since `pollRound` answered `since`; never on this stack. */
export function onPolledSince(since: number, callback: () => void): void {
  waiting.push({ since, callback })
  if (left === 0) setImmediate(count)
  left = Math.max(left, since + enough - round, 1)
}
