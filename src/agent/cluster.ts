/**
 * An agent on all cores: worker processes that share the listening sockets, each accepting directly. This file is the
 * primary's side; the workers call `joinCluster` (cluster-worker.ts).
 */
import cluster, { type Worker } from 'node:cluster'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { silentLogger, type Logger } from '../logger.ts'
import { boolean, integer, resolveOptions, type Resolved, type Specs } from '../options.ts'
import { AgentError } from './errors.ts'
import { mergeStats } from './stats-merge.ts'
import type { AgentStats } from './stats.ts'

/** Options of {@link createAgentCluster}. */
export interface AgentClusterOptions {
  /** Worker processes. @default one per core */
  workers?: number
  /** Milliseconds before a worker that died is replaced; doubled while it keeps dying, up to 30 s. @default 500 */
  restartDelay?: number
  /** Milliseconds that a worker has for closing before it is killed. @default 10000 */
  closeTimeout?: number
  /**
   * Let the primary hand out connections in turn, instead of each worker accepting for itself. HAProxy keeps few
   * connections open for long: in turn spreads them evenly, direct costs the primary nothing.
   * @default false
   */
  roundRobin?: boolean
  /** @default silent */
  logger?: Logger
}

const specs: Specs<AgentClusterOptions> = {
  workers: integer(availableParallelism(), { min: 1, max: 1024 }),
  restartDelay: integer(500, { min: 1 }),
  closeTimeout: integer(10_000, { min: 1 }),
  roundRobin: boolean(false),
  logger: { fallback: silentLogger, check: () => undefined },
}

/** What the primary tells its workers. */
export type ClusterRequest =
  | { readonly sluice: 'close' | 'drain' }
  | { readonly sluice: 'stats'; readonly id: number }

/** What a worker tells the primary. */
export type ClusterReply =
  | { readonly sluice: 'ready' }
  | { readonly sluice: 'stats'; readonly id: number; readonly stats: WireStats }

/** Statistics as they cross the process boundary: maps become arrays. */
export type WireStats = Omit<AgentStats, 'messages'> & {
  readonly messages: readonly (readonly [
    string,
    AgentStats['messages'] extends ReadonlyMap<string, infer M> ? M : never,
  ])[]
}

const longestRestartDelay = 30_000
/** A worker that lived this long was not the victim of its own start. */
const stableAfter = 10_000
const statsTimeout = 2000

/** See {@link createAgentCluster}. */
export class AgentCluster {
  readonly #options: Resolved<AgentClusterOptions>
  readonly #workers = new Set<Worker>()
  readonly #leaving = new Set<Worker>()
  readonly #timers = new Set<NodeJS.Timeout>()
  #delay: number
  #lastId = 0
  #closed = false

  constructor(module: string | URL, options: AgentClusterOptions) {
    if (!cluster.isPrimary)
      throw new AgentError('ERR_AGENT_CLUSTER', 'createAgentCluster() was called in a worker')
    this.#options = resolveOptions(specs, options, 'createAgentCluster')
    this.#delay = this.#options.restartDelay
    cluster.schedulingPolicy = this.#options.roundRobin ? cluster.SCHED_RR : cluster.SCHED_NONE
    const path = module instanceof URL || module.startsWith('file:') ? fileURLToPath(module) : module
    cluster.setupPrimary({ exec: path })
    for (let count = 0; count < this.#options.workers; count++) this.#fork()
  }

  #fork(): Worker {
    const worker = cluster.fork()
    const born = Date.now()
    this.#workers.add(worker)
    worker.on('exit', (code, signal) => this.#onExit(worker, born, signal ?? code))
    worker.on('error', (error) =>
      this.#options.logger.warn({ err: error, pid: worker.process.pid }, 'worker failed'),
    )
    return worker
  }

  #onExit(worker: Worker, born: number, how: string | number): void {
    this.#workers.delete(worker)
    if (this.#leaving.delete(worker) || this.#closed) return
    this.#delay = Date.now() - born > stableAfter ? this.#options.restartDelay : this.#delay
    const { pid } = worker.process
    this.#options.logger.error({ pid, how, restartIn: this.#delay }, 'worker died')
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      if (!this.#closed) this.#fork()
    }, this.#delay)
    this.#timers.add(timer)
    this.#delay = Math.min(this.#delay * 2, longestRestartDelay)
  }

  /** Process ids of the workers. */
  get pids(): number[] {
    return [...this.#workers].map((worker) => worker.process.pid ?? 0)
  }

  /** Resolves when every worker has joined, that is, listens. */
  async ready(): Promise<void> {
    await Promise.all([...this.#workers].map((worker) => joined(worker)))
  }

  /** The sum of all workers' counters; workers that do not answer within 2 s are left out. */
  async stats(): Promise<AgentStats> {
    const id = ++this.#lastId
    const answers = await Promise.all([...this.#workers].map((worker) => askStats(worker, id)))
    return mergeStats(answers.filter((each) => each !== undefined))
  }

  /** Lets all workers fail their health checks, see `Agent.drain`. */
  drain(): void {
    for (const worker of this.#workers) tell(worker, { sluice: 'drain' })
  }

  /** Replaces all workers, one after another, by new processes: new code, no connection refused. */
  async restart(): Promise<void> {
    // A copy: the set grows with every worker that is started.
    const before = Array.from(this.#workers)
    for (const old of before) {
      if (this.#closed) return
      await joined(this.#fork())
      await this.#stop(old)
    }
  }

  /** Closes all workers gracefully and waits for them. */
  async close(): Promise<void> {
    this.#closed = true
    for (const timer of this.#timers) clearTimeout(timer)
    await Promise.all([...this.#workers].map((worker) => this.#stop(worker)))
  }

  #stop(worker: Worker): Promise<void> {
    this.#leaving.add(worker)
    return new Promise((resolve) => {
      const timer = setTimeout(() => worker.process.kill('SIGKILL'), this.#options.closeTimeout)
      worker.once('exit', () => {
        clearTimeout(timer)
        resolve()
      })
      tell(worker, { sluice: 'close' })
    })
  }

  /** The same as {@link AgentCluster.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

function tell(worker: Worker, request: ClusterRequest): void {
  // A worker that is gone already has nothing to be told; its exit event says the rest.
  if (worker.isConnected()) worker.send(request, () => {})
  else worker.process.kill('SIGTERM')
}

const joinedWorkers = new WeakSet<Worker>()

function joined(worker: Worker): Promise<void> {
  if (joinedWorkers.has(worker)) return Promise.resolve()
  return new Promise((resolve, reject) => {
    worker.on('message', (reply: ClusterReply) => {
      if (reply.sluice !== 'ready') return
      joinedWorkers.add(worker)
      resolve()
    })
    worker.once('exit', (code) => {
      reject(
        new AgentError('ERR_AGENT_CLUSTER', `a worker exited with ${code} before it called joinCluster()`),
      )
    })
  })
}

function askStats(worker: Worker, id: number): Promise<AgentStats | undefined> {
  return new Promise((resolve) => {
    const done = (stats: AgentStats | undefined) => {
      clearTimeout(timer)
      worker.off('message', onMessage)
      worker.off('exit', onExit)
      resolve(stats)
    }
    const onExit = () => done(undefined)
    const onMessage = (reply: ClusterReply) => {
      if (reply.sluice === 'stats' && reply.id === id)
        done({ ...reply.stats, messages: new Map(reply.stats.messages) })
    }
    const timer = setTimeout(() => done(undefined), statsTimeout)
    worker.on('message', onMessage)
    worker.once('exit', onExit)
    tell(worker, { sluice: 'stats', id })
  })
}

/**
 * Starts worker processes that each run `module`, which creates an agent, listens, and calls `joinCluster(agent)`.
 * Workers that die are started again.
 *
 * @throws UsageError `ERR_SLUICE_OPTION`; AgentError `ERR_AGENT_CLUSTER` when it is called in a worker.
 * @example
 * ```ts
 * import { createAgentCluster } from 'sluice/agent'
 *
 * const cluster = createAgentCluster(new URL('./agent.js', import.meta.url), { workers: 4 })
 * await cluster.ready()
 * process.once('SIGTERM', () => void cluster.close())
 * ```
 */
export function createAgentCluster(module: string | URL, options: AgentClusterOptions = {}): AgentCluster {
  return new AgentCluster(module, options)
}
