/** How a server is chosen among several: for a backend of the proxy, and for an engine among its agents. */

/** What a balancer sees of a server. */
export interface Balanced {
  /** Unique in its list. */
  readonly id: number
  readonly weight: number
  /** What it was given and has not ended: streams, exchanges. */
  readonly served: number
}

/** One per list of servers: what it must remember is its own. `Asker` is what a choice may depend on. */
export interface Balancer<T extends Balanced, Asker = undefined> {
  /**
   * One of `candidates`, none of which is full; there is at least one.
   * @param all the servers that could be chosen if none were full
   */
  pick(candidates: readonly T[], asker: Asker, all: readonly T[]): T
}
