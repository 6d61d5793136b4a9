/** The status port of a cluster: what its workers have said last, added up. */
import { formatPrometheus } from './prometheus.ts'
import { mergeGroups } from './seen-connections.ts'
import type { AgentStats } from './stats.ts'
import type { SeenAgent } from './status-subject.ts'
import type { StatusOptions } from '../status/options.ts'
import type { CheckState, ConnectionGroup } from '../status/readings.ts'

/** Of {@link StatusOptions} what a cluster has: verdicts and recent messages are its workers', which do not tell them. */
export type ClusterStatusOptions = Pick<
  StatusOptions,
  'name' | 'hosts' | 'maxPages' | 'mode' | 'processMetrics'
>

/** How often workers are asked while there is a port, in milliseconds. */
const interval = 1000

/** What of a cluster is seen. */
export interface SeenCluster {
  stats(): Promise<AgentStats>
  /** What each worker has said with its statistics. */
  parts(): Iterable<{
    readonly addresses: readonly string[]
    readonly connections: readonly ConnectionGroup[]
  }>
  /** Workers that have joined, and how many there shall be. */
  workers(): { readonly joined: number; readonly wanted: number }
  whyLeaving(): string
}

/** Asks the workers each second, and remembers what they said. */
export class ClusterWatch {
  readonly #cluster: SeenCluster
  #latest: AgentStats
  #asking = false
  readonly #timer: NodeJS.Timeout

  private constructor(cluster: SeenCluster, first: AgentStats) {
    this.#cluster = cluster
    this.#latest = first
    this.#timer = setInterval(() => void this.#ask(), interval).unref()
  }

  static async begin(cluster: SeenCluster): Promise<ClusterWatch> {
    return new ClusterWatch(cluster, await cluster.stats())
  }

  /** A worker that hangs is waited for: questions do not pile up before it. */
  async #ask(): Promise<void> {
    if (this.#asking) return
    this.#asking = true
    try {
      this.#latest = await this.#cluster.stats()
    } finally {
      this.#asking = false
    }
  }

  end(): void {
    clearInterval(this.#timer)
  }

  /** As of an agent. */
  get seen(): SeenAgent {
    const parts = () => [...this.#cluster.parts()]
    return {
      stats: () => this.#latest,
      addresses: () => [...new Set(parts().flatMap(({ addresses }) => addresses))],
      connections: () => mergeGroups(parts().flatMap(({ connections }) => connections)),
      checks: () => this.#checks(),
      metrics: () => formatPrometheus(this.#latest),
      observe: () => {},
    }
  }

  #checks(): CheckState[] {
    const { joined, wanted } = this.#cluster.workers()
    const leaving = this.#cluster.whyLeaving()
    const { ready } = this.#latest
    return [
      { name: 'workers', ok: joined >= wanted, detail: `${joined} of ${wanted} listen` },
      { name: 'not draining', ok: leaving === '', detail: leaving },
      { name: 'ready()', ok: ready || leaving !== '', detail: "a worker's option ready says no" },
    ].map((each) => (each.ok ? { ...each, detail: '' } : each))
  }
}
