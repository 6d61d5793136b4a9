/** How a server is chosen among several (configuration.txt 4.2 "balance"). */
import type { Stream } from '../../../sample/stream.ts'

/** What a balancer sees of a server. */
export interface Balanced {
  /** Unique in its backend. */
  readonly id: number
  readonly weight: number
  /** Streams that it was given and that have not ended. */
  readonly served: number
  readonly backup: boolean
  /** Whether it may be chosen at all. */
  readonly usable: boolean
  /** Whether it has as many streams as it may have. */
  readonly full: boolean
}

/** One per backend: what it must remember is its own. */
export interface Balancer<T extends Balanced> {
  /**
   * One of `candidates`, none of which is full; there is at least one.
   * @param all the servers that could be chosen if none were full
   */
  pick(candidates: readonly T[], stream: Stream, all: readonly T[]): T
}
