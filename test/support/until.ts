/**
 * How tests wait for a state: with an end. A loop that polls for ever outlives the test that has timed out, and keeps
 * its process, and so the whole run, from ending.
 *
 * @example
 * await until(() => engine.stats.acks === 3)
 * await until(() => origin.peers.length === 1, 'the request')
 */
import { setTimeout as sleep } from 'node:timers/promises'

/** The longest time between two looks, in milliseconds. */
const longestPause = 20

/**
 * Resolves when `condition` holds; it is asked at once, then after pauses of 1 to 20 ms.
 *
 * @param condition What has to come true; what it throws is thrown.
 * @param what Its name for the error: by default what is written in the test. A function is called when it is too late,
 *   to say what there is instead.
 * @param milliseconds How long to wait.
 * @throws Error when it has not come true in time.
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string | (() => string) = String(condition),
  milliseconds = 10_000,
): Promise<void> {
  const begun = performance.now()
  while (!(await condition())) {
    const waited = performance.now() - begun
    if (waited >= milliseconds) {
      const name = typeof what === 'string' ? what : what()
      throw new Error(`waited ${Math.round(waited)} ms in vain for: ${name}`)
    }
    await sleep(Math.min(1 + waited / 20, longestPause))
  }
}
