/** Counts in this process. */
import { wallClock } from '../../base/clock.ts'
import { RecentMap } from '../frame/recent-map.ts'
import { createLimitState, take, type Decision, type Limit, type LimitState } from './limit.ts'
import type { LimitStore } from './store.ts'

/** Keeps the counts of so many keys; of more, those that were not asked for longest are forgotten. */
export class MemoryStore implements LimitStore {
  readonly #states: RecentMap<string, LimitState>
  readonly #now: () => number

  /** `now` answers milliseconds since 1970. */
  constructor(mostKeys: number, now: () => number = wallClock) {
    this.#states = new RecentMap(mostKeys)
    this.#now = now
  }

  /** Keys of which something is known. */
  get size(): number {
    return this.#states.size
  }

  take(key: string, limit: Limit, cost: number): Decision {
    let state = this.#states.get(key)
    if (state === undefined) {
      state = createLimitState()
      this.#states.set(key, state)
    }
    return take(state, limit, cost, this.#now())
  }
}
