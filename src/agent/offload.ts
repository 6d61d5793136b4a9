/**
 * CPU-heavy handlers in worker threads: the event loop goes on answering while they compute. A message is encoded once
 * more, into bytes that move to the thread without a copy, and so do the encoded actions on their way back.
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { Writer } from '../bytes/writer.ts'
import { LinkedList, type Linked } from '../base/linked-list.ts'
import { loggerOption, resolveLogging, type Logging } from '../base/logger-option.ts'
import { stderrLogger } from '../base/stderr-logger.ts'
import type { Logger } from '../base/logger.ts'
import { UsageError } from '../base/errors.ts'
import { integer, milliseconds, show, type Specs } from '../base/options.ts'
import { encodeMessages, type Message } from '../spop/notify.ts'
import { ActionWriter } from './action-writer.ts'
import { AgentError } from './errors.ts'
import type { MessageHandler } from './handlers.ts'
import type { OffloadJob, OffloadResult } from './offload-thread.ts'
import { setReadiness } from './readiness.ts'

/** Options of {@link createOffload}. */
export interface OffloadOptions {
  /** Worker threads. @default one per core but one, at least one */
  threads?: number | undefined
  /** Messages that may wait for a thread; more fail at once, and their fallback answers. @default 1000 */
  maxQueue?: number | undefined
  /** Milliseconds after which a thread that does not answer is replaced by a new one; 0 is never. @default 10000 */
  threadTimeout?: number | undefined
  /** As `AgentOptions.logger`. @default warnings and errors as lines on standard error */
  logger?: Logger | false | undefined
}

const specs: Specs<OffloadOptions> = {
  threads: integer(Math.max(1, availableParallelism() - 1), { min: 1, max: 256 }),
  maxQueue: integer(1000),
  threadTimeout: milliseconds(10_000),
  logger: loggerOption(stderrLogger),
}

type Settings = Logging<OffloadOptions>

interface Job extends Linked<Job> {
  /** In an ArrayBuffer of its own, which moves to the thread. */
  readonly message: Uint8Array<ArrayBuffer>
  readonly room: number
  readonly prefix: string | undefined
  resolve(result: OffloadResult): void
  reject(error: unknown): void
  /** Whether it waits for a thread. */
  waits: boolean
  previous: Job | undefined
  next: Job | undefined
}

/** Who waits until all threads have loaded the module. */
interface Waiter {
  resolve(): void
  reject(error: AgentError): void
}

const closedError = () => new AgentError('ERR_AGENT_OFFLOAD', 'the pool is closed')

/** Restarts of a module that cannot even be loaded wait this long, in milliseconds. */
const restartDelay = 1000
/** Bytes kept for the head of the ACK. */
const ackHeadSize = 32
/** A scratch buffer that one huge message has made larger than this is not kept. */
const maxScratchSize = 65_536

/** What a thread tells its pool. */
interface ThreadOwner {
  onFree(thread: Thread): void
  onExit(thread: Thread, error: AgentError): void
}

/** One thread, which does one job at a time: a second one would only wait inside it. */
class Thread {
  readonly #worker: Worker
  readonly #owner: ThreadOwner
  #loaded = false
  #failure: Error | undefined
  #stopping = false
  #job: Job | undefined
  #lastId = 0
  #timer: NodeJS.Timeout | undefined

  constructor(module: string, owner: ThreadOwner) {
    this.#owner = owner
    this.#worker = new Worker(new URL('./offload-thread.js', import.meta.url), { workerData: { module } })
    this.#worker.on('message', (result: OffloadResult) => this.#onResult(result))
    this.#worker.on('error', (error) => {
      this.#failure = error
    })
    this.#worker.on('exit', (code) => this.#onExit(code))
  }

  /** Whether its module was loaded. */
  get loaded(): boolean {
    return this.#loaded
  }

  run(job: Job, timeout: number): void {
    this.#job = job
    const { message, room, prefix } = job
    this.#worker.postMessage({ id: ++this.#lastId, message, room, prefix } satisfies OffloadJob, [
      message.buffer,
    ])
    if (timeout > 0) this.#timer = setTimeout(() => this.#onTimeout(timeout), timeout)
  }

  #onResult(result: OffloadResult): void {
    clearTimeout(this.#timer)
    this.#loaded = true
    const job = this.#job
    this.#job = undefined
    job?.resolve(result)
    // An answer may cross the order to stop.
    if (!this.#stopping) this.#owner.onFree(this)
  }

  #onTimeout(timeout: number): void {
    this.#failure = new Error(`no answer within ${timeout} ms`)
    void this.stop()
  }

  #onExit(code: number): void {
    clearTimeout(this.#timer)
    const why = this.#failure?.message ?? `the thread exited with ${code}`
    const detail = this.#loaded ? why : `cannot load the module: ${why}`
    const error = new AgentError('ERR_AGENT_OFFLOAD', detail, { cause: this.#failure })
    this.#job?.reject(error)
    this.#owner.onExit(this, error)
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await this.#worker.terminate()
  }
}

function checkModule(module: unknown): string {
  if (module instanceof URL || (typeof module === 'string' && module !== '')) return String(module)
  throw new UsageError(
    'ERR_SLUICE_OPTION',
    `createOffload: the module must be a URL or what import() takes, not ${show(module)}`,
  )
}

/** A pool of worker threads; see {@link createOffload}. */
export class Offload {
  readonly #module: string
  readonly #options: Settings
  readonly #threads = new Set<Thread>()
  readonly #free: Thread[] = []
  /** In the order of their arrival; those whose deadline passes leave from the middle. */
  readonly #queue = new LinkedList<Job>()
  readonly #owner: ThreadOwner
  #scratch = new Writer()
  /** Why the last thread that was started could not load the module; undefined once one could. */
  #loadError: AgentError | undefined
  readonly #waiters = new Set<Waiter>()
  #closed = false

  constructor(module: string | URL, options: OffloadOptions) {
    this.#module = checkModule(module)
    this.#options = resolveLogging(specs, options, 'createOffload')
    this.#owner = {
      onFree: (thread) => this.#onFree(thread),
      onExit: (thread, error) => this.#onExit(thread, error),
    }
    for (let count = 0; count < this.#options.threads; count++) this.#start()
  }

  #start(): void {
    if (!this.#closed) this.#threads.add(new Thread(this.#module, this.#owner))
  }

  /**
   * Resolves when every thread has loaded the module. An agent that has one of the pool's handlers waits for it before it
   * listens, so no message comes that cannot be answered yet.
   * @throws AgentError `ERR_AGENT_OFFLOAD` when the module cannot be loaded (it is tried again each second all the same), or
   * the pool is closed.
   */
  ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.add({ resolve, reject })
      this.#settleWaiters()
    })
  }

  #settleWaiters(): void {
    const error = this.#closed ? closedError() : this.#broken
    let loaded = 0
    for (const thread of this.#threads) if (thread.loaded) loaded++
    if (error === undefined && loaded < this.#options.threads) return
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    for (const waiter of waiters) {
      if (error === undefined) waiter.resolve()
      else waiter.reject(error)
    }
  }

  #onFree(thread: Thread): void {
    this.#loadError = undefined
    if (this.#waiters.size > 0) this.#settleWaiters()
    const job = this.#queue.first
    if (job === undefined) {
      this.#free.push(thread)
      return
    }
    this.#leave(job)
    thread.run(job, this.#options.threadTimeout)
  }

  #onExit(thread: Thread, error: AgentError): void {
    this.#threads.delete(thread)
    const index = this.#free.indexOf(thread)
    if (index >= 0) this.#free.splice(index, 1)
    if (this.#closed) return
    this.#options.logger.error({ err: error }, 'worker thread lost, starting another')
    if (thread.loaded) {
      this.#start()
      return
    }
    this.#loadError = error
    if (this.#broken !== undefined) this.#failAll(error)
    this.#settleWaiters()
    setTimeout(() => this.#start(), restartDelay).unref()
  }

  /** Why no thread can be expected to answer, if so. */
  get #broken(): AgentError | undefined {
    if (this.#loadError === undefined) return undefined
    for (const thread of this.#threads) if (thread.loaded) return undefined
    return this.#loadError
  }

  #failAll(error: AgentError): void {
    for (const job of this.#queue.takeAll()) {
      job.waits = false
      job.reject(error)
    }
  }

  /** It waits no more; harmless when it did not. */
  #leave(job: Job): void {
    if (job.waits) this.#queue.remove(job)
    job.waits = false
  }

  #refusal(): AgentError | undefined {
    if (this.#closed) return closedError()
    if (this.#queue.size < this.#options.maxQueue || this.#free.length > 0) return this.#broken
    return new AgentError('ERR_AGENT_OVERLOAD', `${this.#queue.size} messages wait for a thread`)
  }

  #submit(
    message: Message,
    room: number,
    prefix: string | undefined,
    signal: AbortSignal,
  ): Promise<OffloadResult> {
    const refusal = this.#refusal()
    if (refusal !== undefined) return Promise.reject(refusal)
    return new Promise((resolve, reject) => {
      signal.throwIfAborted()
      const job: Job = {
        message: this.#encode(message),
        room,
        prefix,
        resolve,
        reject,
        waits: false,
        previous: undefined,
        next: undefined,
      }
      // A job that a thread has begun is finished there; nobody takes the result.
      const onAbort = () => {
        this.#leave(job)
        reject(signal.reason as Error)
      }
      signal.addEventListener('abort', onAbort, { once: true })
      const thread = this.#free.pop()
      if (thread !== undefined) return thread.run(job, this.#options.threadTimeout)
      job.waits = true
      this.#queue.push(job)
    })
  }

  /** The message in bytes of exactly its size: what moves to a thread must not be part of a buffer that others use. */
  #encode(message: Message): Uint8Array<ArrayBuffer> {
    const writer = this.#scratch
    writer.reset()
    encodeMessages(writer, [message])
    const exact = new Uint8Array(writer.view())
    if (writer.bytes.length > maxScratchSize) this.#scratch = new Writer()
    return exact
  }

  /**
   * The handler to register for a message whose name the worker module knows. A message whose deadline passes while it
   * waits for a thread is never computed.
   */
  get handler(): MessageHandler {
    const handler: MessageHandler = async (message, actions, context) => {
      const room = context.connection.maxFrameSize - ackHeadSize
      // Agents hand out no other implementation of Actions; what only looks like one has no prefix.
      const writer = actions as ActionWriter
      const prefix = actions instanceof ActionWriter ? actions.names.prefix : undefined
      const result = await this.#submit(message, room, prefix, context.signal)
      if (result.error !== undefined) throw new AgentError('ERR_AGENT_OFFLOAD', result.error)
      if (result.actions !== undefined) writer.appendEncoded(result.actions, result.oversized)
    }
    setReadiness(handler, () => this.ready())
    return handler
  }

  /** Stops all threads; messages that wait fail. */
  async close(): Promise<void> {
    this.#closed = true
    this.#failAll(closedError())
    this.#settleWaiters()
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
 * An agent with the pool's handler listens when the threads have loaded the module, see {@link Offload.ready}. A module that
 * cannot be loaded is logged and tried again each second; meanwhile `listen` rejects, and messages fail at once, with AgentError
 * `ERR_AGENT_OFFLOAD`, whose cause is what the module threw.
 *
 * @throws UsageError `ERR_SLUICE_OPTION`.
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
