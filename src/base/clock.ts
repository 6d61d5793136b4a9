/** The one place that reads the clock. Pure modules never do: time reaches them as an argument. */

import { performance } from 'node:perf_hooks'

/** The longest wait of a timer, in milliseconds: for more, `setTimeout` warns and waits for 1. */
export const longestTimer = 0x7fff_ffff

/** Milliseconds since an arbitrary start, with a fraction, never going backwards. */
export function monotonic(): number {
  return performance.now()
}

/** Milliseconds since 1970. */
export function wallClock(): number {
  return Date.now()
}

let time = -1
let date = 0
const forget = (): void => {
  time = -1
}

function readClocks(): void {
  time = performance.now()
  date = Date.now()
  setImmediate(forget)
}

/**
 * As {@link monotonic}, read once in a turn of the loop: all that happens in one turn happens at one time, and whoever
 * measures what takes many turns is spared the clock. Late by what the turn has taken so far.
 */
export function turnTime(): number {
  if (time < 0) readClocks()
  return time
}

/** As {@link wallClock}, read with {@link turnTime}. */
export function turnDate(): number {
  if (time < 0) readClocks()
  return date
}

let second = -1
let text = ''

/** {@link turnDate} as a `Date` field has it (RFC 9110, 5.6.7): made once a second. */
export function httpDate(): string {
  const now = Math.floor(turnDate() / 1000)
  if (now !== second) {
    second = now
    text = new Date(now * 1000).toUTCString()
  }
  return text
}
