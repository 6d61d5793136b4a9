/**
 * CPU-heavy handlers in worker threads: the event loop goes on answering while they compute. Messages go over as the
 * bytes that they were, and encoded actions come back.
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { Writer } from '../bytes/writer.ts'
import { silentLogger, type Logger } from '../logger.ts'
import { integer, resolveOptions, type Resolved, type Specs } from '../options.ts'
import { encodeMessages } from '../spop/notify.ts'
import type { ActionWriter } from './actions.ts'
import { AgentError } from './errors.ts'
import type { MessageHandler } from './handlers.ts'
import type { OffloadJob, OffloadResult } from './offload-thread.ts'

/** Options of {@link createOffload}. */
export interface OffloadOptions {
  /** Worker threads. @default one per core but one, at least one */
  threads?: number
  /** Messages that may wait for a thread; more fail at once, and their fallback answers. @default 1000 */
  maxQueue?: number
  /** Milliseconds after which a thread that does not answer is replaced by a new one; 0 is never. @default 10000 */
  threadTimeout?: number
  /** @default silent */
  logger?: Logger
}

const specs: Specs<OffloadOptions> = {
  threads: integer(Math.max(1, availableParallelism() - 1), { min: 1, max: 256 }),
  maxQueue: integer(1000),
  threadTimeout: integer(10_000, { max: 0x7fff_ffff }),
  logger: { fallback: silentLogger, check: () => undefined },
}

interface Job {
  readonly message: Uint8Array
  readonly room: number
  resolve(result: OffloadResult): void
  reject(error: Error): void
}

/** Restarts of a module that cannot even be loaded wait this long, in milliseconds. */
const restartDelay = 1000

/** One thread, which does one job at a time: a second one would only wait inside it. */
class Thread {
  readonly #worker: Worker
  readonly #onFree: (thread: Thread) => void
  #ready = false
  #job: Job | undefined
  #lastId = 0
  #timer: NodeJS.Timeout | undefined

  constructor(
    module: string,
    onFree: (thread: Thread) => void,
    onExit: (thread: Thread, error: Error) => void,
  ) {
    this.#onFree = onFree
    this.#worker = new Worker(new URL('./offload-thread.js', import.meta.url), { workerData: { module } })
    let failure: Error | undefined
    this.#worker.on('message', (result: OffloadResult) => this.#onResult(result))
    this.#worker.on('error', (error) => {
      failure = error
    })
    this.#worker.on('exit', (code) => {
      clearTimeout(this.#timer)
      const error = new AgentError(
        'ERR_AGENT_OFFLOAD',
        failure?.message ?? `the thread exited with ${code}`,
        failure,
      )
      this.#job?.reject(error)
      onExit(this, error)
    })
  }

  get free(): boolean {
    return this.#ready && this.#job === undefined
  }

  get loaded(): boolean {
    return this.#ready
  }

  run(job: Job, timeout: number): void {
    this.#job = job
    const message: OffloadJob = { id: ++this.#lastId, message: job.message, room: job.room }
    this.#worker.postMessage(message)
    if (timeout > 0) this.#timer = setTimeout(() => void this.#worker.terminate(), timeout)
  }

  #onResult(result: OffloadResult): void {
    clearTimeout(this.#timer)
    this.#ready = true
    const job = this.#job
    this.#job = undefined
    job?.resolve(result)
    this.#onFree(this)
  }

  async stop(): Promise<void> {
    await this.#worker.terminate()
  }
}

/** A pool of worker threads; see {@link createOffload}. */
export class Offload {
  readonly #module: string
  readonly #options: Resolved<OffloadOptions>
  readonly #threads = new Set<Thread>()
  readonly #queue: Job[] = []
  #closed = false

  constructor(module: string | URL, options: OffloadOptions) {
    this.#module = String(module)
    this.#options = resolveOptions(specs, options, 'createOffload')
    for (let count = 0; count < this.#options.threads; count++) this.#start()
  }

  #start(): void {
    if (this.#closed) return
    const thread = new Thread(
      this.#module,
      (each) => this.#next(each),
      (each, error) => this.#onExit(each, error),
    )
    this.#threads.add(thread)
  }

  #onExit(thread: Thread, error: Error): void {
    this.#threads.delete(thread)
    if (this.#closed) return
    this.#options.logger.error({ err: error }, 'worker thread lost, starting another')
    if (thread.loaded) this.#start()
    else setTimeout(() => this.#start(), restartDelay).unref()
  }

  #next(thread: Thread): void {
    const job = this.#queue.shift()
    if (job !== undefined) thread.run(job, this.#options.threadTimeout)
  }

  #submit(message: Uint8Array, room: number): Promise<OffloadResult> {
    if (this.#closed) return Promise.reject(new AgentError('ERR_AGENT_OFFLOAD', 'the pool is closed'))
    if (this.#queue.length >= this.#options.maxQueue) {
      return Promise.reject(
        new AgentError('ERR_AGENT_OVERLOAD', `${this.#queue.length} messages wait for a thread`),
      )
    }
    return new Promise((resolve, reject) => {
      const job = { message, room, resolve, reject }
      const thread = [...this.#threads].find((each) => each.free)
      if (thread === undefined) this.#queue.push(job)
      else thread.run(job, this.#options.threadTimeout)
    })
  }

  /** The handler to register for a message whose name the worker module knows. */
  get handler(): MessageHandler {
    return async (message, actions, context) => {
      const writer = new Writer()
      encodeMessages(writer, [message])
      // Some bytes are kept for the head of the ACK.
      const room = context.connection.maxFrameSize - 32
      const result = await this.#submit(new Uint8Array(writer.view()), room)
      if (result.error !== undefined) throw new AgentError('ERR_AGENT_OFFLOAD', result.error)
      // Agents hand out no other implementation of Actions.
      if (result.actions !== undefined)
        (actions as ActionWriter).appendEncoded(result.actions, result.oversized)
    }
  }

  /** Stops all threads; messages that wait fail. */
  async close(): Promise<void> {
    this.#closed = true
    for (const job of this.#queue.splice(0))
      job.reject(new AgentError('ERR_AGENT_OFFLOAD', 'the pool is closed'))
    await Promise.all([...this.#threads].map((thread) => thread.stop()))
  }

  /** The same as {@link Offload.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/**
 * Starts worker threads that load `module` (a file URL, or anything that `import()` takes), whose default export was
 * made by `defineOffload`.
 *
 * @throws UsageError `ERR_SLUICE_OPTION`. A module that cannot be loaded is logged, and messages fail meanwhile.
 * @example
 * ```ts
 * import { createAgent, createOffload } from 'sluice/agent'
 *
 * const offload = createOffload(new URL('./hash-body.js', import.meta.url), { threads: 2 })
 * const agent = createAgent()
 * agent.message('hash-body', offload.handler, { deadline: 200 })
 * ```
 */
export function createOffload(module: string | URL, options: OffloadOptions = {}): Offload {
  return new Offload(module, options)
}
