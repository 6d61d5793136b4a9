/**
 * An agent on all cores: worker processes that share the listening sockets, each accepting directly. This file is the
 * primary's side; the workers call `joinCluster` (cluster-worker.ts).
 */
import cluster from 'node:cluster'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { monotonic } from '../base/clock.ts'
import { loggerOption, resolveLogging, type Logging } from '../base/logger-option.ts'
import { stderrLogger } from '../base/stderr-logger.ts'
import type { Logger } from '../base/logger.ts'
import { errorMessage, UsageError } from '../base/errors.ts'
import { boolean, integer, milliseconds, show, type Specs } from '../base/options.ts'
import type { Endpoint } from '../net/endpoint.ts'
import { StatusBoard } from '../status/board.ts'
import type { StatusPort } from '../status/port.ts'
import { ClusterMember, type MemberOwner } from './cluster-member.ts'
import { ClusterWatch, type ClusterStatusOptions } from './cluster-status.ts'
import { AgentError } from './errors.ts'
import { mergeStats } from './stats-merge.ts'
import { openClusterPort } from './status-port.ts'
import type { AgentStats } from './stats.ts'

/** Options of {@link createAgentCluster}. */
export interface AgentClusterOptions {
  /** Worker processes. @default one per core */
  workers?: number | undefined
  /** Milliseconds before a worker that died is replaced; doubled while it keeps dying, up to 30 s. @default 500 */
  restartDelay?: number | undefined
  /** Milliseconds that a worker has for closing before it is killed. @default 10000 */
  closeTimeout?: number | undefined
  /** Milliseconds after which a worker that has not called `joinCluster` is told of; it is left alone. @default 10000 */
  joinTimeout?: number | undefined
  /**
   * Let the primary hand out connections in turn, instead of each worker accepting for itself. HAProxy keeps few
   * connections open for long: in turn spreads them evenly, direct costs the primary nothing. The first cluster of a
   * process decides for all.
   * @default false
   */
  roundRobin?: boolean | undefined
  /** As `AgentOptions.logger`. @default warnings and errors as lines on standard error */
  logger?: Logger | false | undefined
}

const specs: Specs<AgentClusterOptions> = {
  workers: integer(availableParallelism(), { min: 1, max: 1024 }),
  restartDelay: milliseconds(500, { min: 1 }),
  closeTimeout: milliseconds(10_000, { min: 1 }),
  joinTimeout: milliseconds(10_000, { min: 1 }),
  roundRobin: boolean(false),
  logger: loggerOption(stderrLogger),
}

type Settings = Logging<AgentClusterOptions>

const longestRestartDelay = 30_000
/** A worker that lived this long was not the victim of its own start. */
const stableAfter = 10_000

interface Waiter {
  resolve(): void
  reject(error: AgentError): void
}

function modulePath(module: unknown): string {
  try {
    if (module instanceof URL || (typeof module === 'string' && module.startsWith('file:')))
      return fileURLToPath(module)
  } catch (error) {
    refuseModule(errorMessage(error))
  }
  return typeof module === 'string' && module !== '' ? module : refuseModule(`not ${show(module)}`)
}

function refuseModule(why: string): never {
  throw new UsageError(
    'ERR_SLUICE_OPTION',
    `createAgentCluster: the module must be a path or a file URL: ${why}`,
  )
}

const closedError = () => new AgentError('ERR_AGENT_CLUSTER', 'the cluster is closed')

/** See {@link createAgentCluster}. */
export class AgentCluster {
  /** What status ports tell beside the counters: sources and checks, as `Agent.status`. */
  readonly status = new StatusBoard()
  readonly #path: string
  readonly #options: Settings
  readonly #owner: MemberOwner
  readonly #members = new Set<ClusterMember>()
  /** The new process of a restart, until it has joined: it replaces another one, and is not replaced itself. */
  #trial: ClusterMember | undefined
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #waiters = new Set<Waiter>()
  /** What workers that have ended had counted. */
  #ended: AgentStats = mergeStats([])
  #delay: number
  #restarting: Promise<void> = Promise.resolve()
  readonly #statusPorts = new Map<StatusPort, ClusterWatch>()
  #draining = false
  #closed = false

  constructor(module: string | URL, options: AgentClusterOptions) {
    if (!cluster.isPrimary)
      throw new AgentError('ERR_AGENT_CLUSTER', 'createAgentCluster() was called in a worker')
    this.#path = modulePath(module)
    this.#options = resolveLogging(specs, options, 'createAgentCluster')
    this.#delay = this.#options.restartDelay
    this.#owner = {
      onJoined: () => this.#settleWaiters(),
      onExit: (member, how, error) => this.#onExit(member, how, error),
    }
    cluster.schedulingPolicy = this.#options.roundRobin ? cluster.SCHED_RR : cluster.SCHED_NONE
    for (let count = 0; count < this.#options.workers; count++) this.#fork()
  }

  #fork(): ClusterMember {
    // The setting belongs to the process, and another cluster in it may have changed it.
    cluster.setupPrimary({ exec: this.#path })
    const worker = cluster.fork()
    const member = new ClusterMember(worker, this.#owner)
    this.#members.add(member)
    this.#watchJoining(member)
    worker.on('error', (error) => this.#options.logger.warn({ err: error, pid: member.pid }, 'worker failed'))
    return member
  }

  /** Without the call `ready()` waits for ever, and restarts and statistics do not reach the worker. */
  #watchJoining(member: ClusterMember): void {
    const { joinTimeout, logger } = this.#options
    const message = `worker has not called joinCluster(agent) within ${joinTimeout} ms: call it once the agent listens`
    const timer = setTimeout(() => {
      if (!member.leaving) logger.warn({ code: 'ERR_AGENT_CLUSTER', pid: member.pid }, message)
    }, joinTimeout).unref()
    const stop = () => clearTimeout(timer)
    member.joining.then(stop, stop)
  }

  #onExit(member: ClusterMember, how: string | number, error: AgentError): void {
    this.#members.delete(member)
    if (member.lastStats !== undefined) this.#ended = mergeStats([], [this.#ended, member.lastStats])
    if (member.leaving || this.#closed) return
    const { pid } = member
    if (member === this.#trial) {
      this.#options.logger.error({ pid, how }, 'new worker died before it joined')
      return
    }
    if (monotonic() - member.born > stableAfter) this.#delay = this.#options.restartDelay
    this.#options.logger.error({ pid, how, restartIn: this.#delay }, 'worker died')
    this.#forkLater()
    if (this.#members.size === 0 && !member.joined) this.#rejectWaiters(error)
  }

  #forkLater(): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      if (this.#size < this.#options.workers) this.#fork()
    }, this.#delay)
    this.#timers.add(timer)
    this.#delay = Math.min(this.#delay * 2, longestRestartDelay)
  }

  /** How many workers there are that stay. */
  get #size(): number {
    return [...this.#members].filter((each) => !each.leaving && each !== this.#trial).length
  }

  /** Process ids of the workers. */
  get pids(): number[] {
    return [...this.#members].map((member) => member.pid)
  }

  /**
   * Resolves when as many workers as configured have joined, that is, listen. Replacements of workers that died are
   * waited for too.
   * @throws AgentError `ERR_AGENT_CLUSTER` when no worker is left and the last one died before it joined, which means
   * that the module does not work (they are still started again), or when the cluster is closed.
   */
  ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(closedError())
      this.#waiters.add({ resolve, reject })
      this.#settleWaiters()
    })
  }

  #settleWaiters(): void {
    if (this.#joined < this.#options.workers) return
    for (const waiter of this.#waiters) waiter.resolve()
    this.#waiters.clear()
  }

  /** How many workers listen, and stay. */
  get #joined(): number {
    return [...this.#members].filter((each) => each.joined && !each.leaving).length
  }

  #rejectWaiters(error: AgentError): void {
    for (const waiter of this.#waiters) waiter.reject(error)
    this.#waiters.clear()
  }

  /**
   * The sum of what all workers have counted, those that have ended included: it never runs backwards. Gauges are those
   * of the workers that answer within 2 s; of one that does not, the counters are what it said last, and one that was
   * killed has told nobody what it counted after that.
   */
  async stats(): Promise<AgentStats> {
    const answered = new Set<ClusterMember>()
    const ask = async (member: ClusterMember) => {
      if (await member.askStats()) answered.add(member)
    }
    await Promise.all([...this.#members].map(ask))
    // Who has ended meanwhile is in the sum of those already.
    const live: AgentStats[] = []
    const ended = [this.#ended]
    for (const member of this.#members) {
      const { lastStats } = member
      if (lastStats !== undefined) (answered.has(member) ? live : ended).push(lastStats)
    }
    return mergeStats(live, ended)
  }

  /**
   * Opens a status port in this process, which closes with the cluster: as `Agent.serveStatus`, of the sum of all workers, a
   * second old at most; the process is this one. Verdicts and recent messages are not known here.
   * @throws AgentError `ERR_AGENT_LISTEN`; UsageError `ERR_SLUICE_ADDRESS`, `ERR_SLUICE_OPTION`, `ERR_SLUICE_CLOSED`.
   */
  async serveStatus(where: string | Endpoint, options: ClusterStatusOptions = {}): Promise<StatusPort> {
    if (this.#closed) throw new UsageError('ERR_SLUICE_CLOSED', 'serveStatus() after close()')
    const watch = await ClusterWatch.begin({
      stats: () => this.stats(),
      parts: () => [...this.#members].map(({ seen }) => seen),
      workers: () => ({ joined: this.#joined, wanted: this.#options.workers }),
      whyLeaving: () => (this.#closed ? 'closing' : this.#draining ? 'draining' : ''),
    })
    try {
      const port = await openClusterPort(where, options, watch.seen, this.status, this.#options.logger)
      this.#statusPorts.set(port, watch)
      if (!this.#isOver()) return port
      await this.#closeStatus()
      throw new UsageError('ERR_SLUICE_CLOSED', 'close() while serveStatus() was waiting')
    } catch (error) {
      watch.end()
      throw error
    }
  }

  /** A function, for the compiler does not see that the flag changes while something is awaited. */
  #isOver(): boolean {
    return this.#closed
  }

  async #closeStatus(): Promise<void> {
    for (const watch of this.#statusPorts.values()) watch.end()
    await Promise.all([...this.#statusPorts.keys()].map((port) => port.close()))
  }

  /** Lets all workers fail their health checks, see `Agent.drain`. */
  drain(): void {
    this.#draining = true
    for (const member of this.#members) member.drain()
  }

  /**
   * Replaces all workers, one after another, by new processes: new code, no connection refused. A second call begins
   * when the first has ended.
   * @throws AgentError `ERR_AGENT_CLUSTER` when a new worker dies before it joins: the workers that were not replaced
   * yet stay; or when the cluster is closed.
   */
  restart(): Promise<void> {
    const result = this.#restarting.then(() => this.#replaceAll())
    this.#restarting = result.catch(() => {})
    return result
  }

  async #replaceAll(): Promise<void> {
    if (this.#closed) throw closedError()
    // A copy: the set grows with every worker that is started.
    for (const old of Array.from(this.#members)) await this.#replace(old)
  }

  async #replace(old: ClusterMember): Promise<void> {
    if (this.#closed) throw closedError()
    // One that died meanwhile is replaced already, or will be.
    if (!this.#members.has(old)) return
    const fresh = this.#fork()
    this.#trial = fresh
    try {
      await fresh.joining
    } finally {
      this.#trial = undefined
    }
    if (this.#members.has(old)) await this.#stop(old)
    else if (this.#size > this.#options.workers) await this.#stop(fresh)
  }

  /** Closes all workers gracefully and waits for them. */
  async close(): Promise<void> {
    this.#closed = true
    for (const timer of this.#timers) clearTimeout(timer)
    this.#rejectWaiters(closedError())
    await Promise.all([...this.#members].map((member) => this.#stop(member)))
    await this.#closeStatus()
  }

  #stop(member: ClusterMember): Promise<void> {
    return member.stop(this.#options.closeTimeout)
  }

  /** The same as {@link AgentCluster.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
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
