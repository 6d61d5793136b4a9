/** What a limit is, and how it is reckoned: pure, for counters in memory. The scripts of script.ts reckon the same in Redis. */

/** A limit. */
export interface Limit {
  /** `sliding-window` counts two windows and weighs the older one; `gcra` lets requests pass at an even pace behind a burst. */
  readonly algorithm: 'sliding-window' | 'gcra'
  readonly limit: number
  /** Milliseconds. */
  readonly window: number
  /** Of `gcra`: how many may come at once. */
  readonly burst: number
}

/** What became of one request. */
export interface Decision {
  readonly allowed: boolean
  /** How much may still come now. */
  readonly remaining: number
  /** Milliseconds until all of the limit is there again. */
  readonly reset: number
  /** Milliseconds until a request of the same cost passes; 0 when this one did. */
  readonly retry: number
}

/** What is kept for one key. `sliding-window`: the number of the window, its count, and the one before; `gcra`: a time. */
export interface LimitState {
  window: number
  count: number
  before: number
  /** Theoretical arrival time, in microseconds. */
  arrival: number
}

/** A key of which nothing is known. */
export function createLimitState(): LimitState {
  return { window: 0, count: 0, before: 0, arrival: 0 }
}

/** Decides, and notes what was taken. `now` is in milliseconds. */
export function take(state: LimitState, limit: Limit, cost: number, now: number): Decision {
  return limit.algorithm === 'gcra' ? takeGcra(state, limit, cost, now) : takeSliding(state, limit, cost, now)
}

function takeSliding(state: LimitState, { limit, window }: Limit, cost: number, now: number): Decision {
  const current = Math.floor(now / window)
  if (state.window !== current) {
    state.before = state.window === current - 1 ? state.count : 0
    state.count = 0
    state.window = current
  }
  const elapsed = now - current * window
  const weighed = (state.before * (window - elapsed)) / window
  const allowed = weighed + state.count + cost <= limit
  if (allowed) state.count += cost
  const { count, before } = state
  return {
    allowed,
    remaining: Math.max(0, Math.floor(limit - weighed - count)),
    reset: count > 0 ? 2 * window - elapsed : before > 0 ? window - elapsed : 0,
    retry: allowed ? 0 : waitSliding(state, limit, window, cost, elapsed),
  }
}

/** Until the weighed sum leaves room for `cost`. */
function waitSliding(
  { count, before }: LimitState,
  limit: number,
  window: number,
  cost: number,
  elapsed: number,
): number {
  const room = limit - cost
  // It never does; a window later nothing is better.
  if (room < 0) return window
  if (count <= room) return Math.max(1, Math.ceil(window * (1 - (room - count) / before) - elapsed))
  return Math.max(1, Math.ceil(window - elapsed + window * (1 - room / count)))
}

function takeGcra(state: LimitState, { limit, window, burst }: Limit, cost: number, now: number): Decision {
  // Whole microseconds: fractions would add up, and the last one of a burst would be refused.
  const interval = Math.ceil((window * 1000) / limit)
  const tolerance = interval * burst
  const time = Math.floor(now * 1000)
  const arrival = Math.max(state.arrival, time)
  const next = arrival + interval * cost
  const allowed = next - tolerance <= time
  if (allowed) state.arrival = next
  const used = (allowed ? next : arrival) - time
  const wait = cost > burst ? window * 1000 : next - tolerance - time
  return {
    allowed,
    remaining: Math.max(0, Math.floor((tolerance - used) / interval)),
    reset: Math.ceil(used / 1000),
    retry: allowed ? 0 : Math.max(1, Math.ceil(wait / 1000)),
  }
}
