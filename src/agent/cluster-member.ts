import type { Worker } from 'node:cluster'
import { monotonic } from '../base/clock.ts'
import type { ConnectionGroup } from '../status/readings.ts'
import { AgentError } from './errors.ts'
import type { AgentStats } from './stats.ts'

/** What the primary tells its workers. */
export type ClusterRequest =
  | { readonly sluice: 'close' | 'drain' }
  | { readonly sluice: 'stats'; readonly id: number }

/** What a worker tells the primary. Statistics of id 0 were not asked for: they are the last ones. */
export type ClusterReply =
  | { readonly sluice: 'ready' }
  | { readonly sluice: 'stats'; readonly id: number; readonly stats: WireStats; readonly seen: SeenWorker }

/** What a worker tells beside its statistics, for a status page. */
export interface SeenWorker {
  readonly addresses: readonly string[]
  readonly connections: readonly ConnectionGroup[]
}

/** Statistics as they cross the process boundary: maps become arrays. */
export type WireStats = Omit<AgentStats, 'messages'> & {
  readonly messages: readonly (readonly [
    string,
    AgentStats['messages'] extends ReadonlyMap<string, infer M> ? M : never,
  ])[]
}

/** A worker that has not answered by then is not waited for, in milliseconds. */
const statsTimeout = 2000

/** What a member tells its cluster. */
export interface MemberOwner {
  onJoined(member: ClusterMember): void
  /** `how` is the exit code, or the signal that ended it; `error` says the same in a sentence. */
  onExit(member: ClusterMember, how: string | number, error: AgentError): void
}

/** One worker process, as the primary sees it: whether it has joined, what it is told, what it answers. */
export class ClusterMember {
  readonly born = monotonic()
  /** Resolves when the process has called `joinCluster`; rejects when it exits before that. */
  readonly joining: Promise<void>
  readonly #worker: Worker
  readonly #questions = new Map<number, (answered: boolean) => void>()
  #lastId = 0
  #lastStats: AgentStats | undefined
  #seen: SeenWorker = { addresses: [], connections: [] }
  #joined = false
  #stopping: Promise<void> | undefined

  constructor(worker: Worker, owner: MemberOwner) {
    this.#worker = worker
    this.joining = new Promise((resolve, reject) => {
      worker.on('message', (reply: ClusterReply) => {
        if (reply.sluice === 'stats') this.#onStats(reply.id, reply.stats, reply.seen)
        if (reply.sluice !== 'ready' || this.#joined) return
        this.#joined = true
        resolve()
        owner.onJoined(this)
      })
      worker.once('disconnect', () => {
        for (const answer of this.#questions.values()) answer(false)
      })
      worker.once('exit', (code, signal) => {
        const how = signal ?? code
        const when = this.#joined ? '' : ' before it called joinCluster()'
        const error = new AgentError('ERR_AGENT_CLUSTER', `a worker exited with ${how}${when}`)
        reject(error)
        owner.onExit(this, how, error)
      })
    })
    // Most members are started without anybody waiting for them.
    this.joining.catch(() => {})
  }

  get pid(): number {
    return this.#worker.process.pid ?? 0
  }

  /** Whether the process has called `joinCluster`. */
  get joined(): boolean {
    return this.#joined
  }

  /** Whether the process was asked to close. */
  get leaving(): boolean {
    return this.#stopping !== undefined
  }

  drain(): void {
    this.#tell({ sluice: 'drain' })
  }

  /** What the process has counted, as far as it has said. */
  get lastStats(): AgentStats | undefined {
    return this.#lastStats
  }

  /** What the process has told of itself, with its statistics. */
  get seen(): SeenWorker {
    return this.#seen
  }

  /** Brings {@link ClusterMember.lastStats} up to date; answers whether the process did. */
  askStats(): Promise<boolean> {
    const id = ++this.#lastId
    return new Promise((resolve) => {
      const answer = (answered: boolean) => {
        clearTimeout(timer)
        this.#questions.delete(id)
        resolve(answered)
      }
      const timer = setTimeout(() => answer(false), statsTimeout)
      this.#questions.set(id, answer)
      if (!this.#tell({ sluice: 'stats', id })) answer(false)
    })
  }

  #onStats(id: number, stats: WireStats, seen: SeenWorker): void {
    this.#seen = seen
    this.#lastStats = { ...stats, messages: new Map(stats.messages) }
    this.#questions.get(id)?.(true)
  }

  /** Closes the process gracefully, kills it after `timeout` milliseconds, and resolves when it is gone. */
  stop(timeout: number): Promise<void> {
    this.#stopping ??= new Promise((resolve) => {
      if (this.#worker.isDead()) return resolve()
      const timer = setTimeout(() => this.#worker.process.kill('SIGKILL'), timeout)
      this.#worker.once('exit', () => {
        clearTimeout(timer)
        resolve()
      })
      // Nothing but a signal reaches a process that does not listen to its channel yet, or whose channel is closed.
      if (!this.#joined || !this.#tell({ sluice: 'close' })) this.#worker.process.kill('SIGTERM')
    })
    return this.#stopping
  }

  /** Whether the process could be told. */
  #tell(request: ClusterRequest): boolean {
    if (!this.#worker.isConnected()) return false
    // A channel that breaks meanwhile is followed by the exit event.
    this.#worker.send(request, () => {})
    return true
  }
}
