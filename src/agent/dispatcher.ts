import type { Reader } from '../bytes/reader.ts'
import type { Writer } from '../bytes/writer.ts'
import { monotonic } from '../base/clock.ts'
import { Deadlines } from '../base/deadlines.ts'
import { beginFrame, endFrame, FrameFlag, FrameType, lengthSize, type FrameHead } from '../spop/frame-head.ts'
import { readVarint } from '../spop/varint.ts'
import { skipTypedData } from '../spop/typed-data.ts'
import { ActionWriter } from './action-writer.ts'
import { abortContext, Context, type ConnectionInfo } from './context.ts'
import { AgentError } from './errors.ts'
import { Exchange, Part } from './exchange.ts'
import type { HandlerTable, Middleware, MessageOutcome, Registration } from './handlers.ts'
import type { LimitedLog } from './limited-log.ts'
import type { AgentMetrics } from './metrics.ts'
import { Mistakes } from './mistakes.ts'
import type { AnswerObserver } from './observer.ts'
import type { ResolvedAgentOptions } from './options.ts'
import { isPromise } from '../base/promise.ts'
import { Outcomes } from './outcomes.ts'
import { VariableNames } from './variable-names.ts'
import { WriterPool } from '../bytes/writer-pool.ts'

/** The connection, as the dispatcher sees it. */
export interface Carrier extends ConnectionInfo {
  /** Messages of this connection that wait for their handlers; the dispatcher keeps count. */
  inFlight: number
  /** The buffer that leaves at the end of this turn. */
  outgoing(): Writer
  /** An ACK stands whole in the outgoing buffer, from `start`. */
  acknowledged(start: number): void
  /** An exchange waits for its handlers. */
  hold(exchange: Exchange): void
  /** All handlers of a held exchange have answered: send it. */
  release(exchange: Exchange): void
}

const moveWork = 'no other message was answered meanwhile: move such work to threads (createOffload)'
/** Most answers are a variable or two. In bytes. */
const heldActionsSize = 256

/**
 * From a NOTIFY to its ACK: finds the handlers, calls them, waits for those that are asynchronous, and sees to it that
 * there is always exactly one answer, whatever they do.
 *
 * The ACK is begun before the handlers run, so that a synchronous handler's actions are written where they will be
 * sent from: such a NOTIFY costs no promise, no timer and no copy.
 *
 * One per agent.
 */
export class Dispatcher {
  readonly #options: ResolvedAgentOptions
  readonly #table: HandlerTable
  readonly #metrics: AgentMetrics
  readonly #middleware: Middleware[] = []
  readonly #outcomes: Outcomes
  readonly #mistakes: Mistakes
  readonly #names: VariableNames
  readonly #deadline: number
  readonly #deadlines = new Deadlines<Part>((part) => this.#expire(part), true)
  readonly #writers = new WriterPool(heldActionsSize)
  /** Who hears of every answer; undefined while nobody does, which is what makes it free. */
  #observers: readonly AnswerObserver[] | undefined
  /** Of the message that was recorded last; kept up while there are observers. */
  #status: MessageOutcome['status'] = 'ok'
  #duration = 0
  /** When the work on the current message began. */
  #since = 0

  constructor(
    options: ResolvedAgentOptions,
    table: HandlerTable,
    metrics: AgentMetrics,
    log: LimitedLog,
    mistakes: Mistakes,
  ) {
    this.#options = options
    this.#deadline = options.deadline
    this.#names = new VariableNames(options.varPrefix)
    this.#table = table
    this.#metrics = metrics
    this.#mistakes = mistakes
    this.#outcomes = new Outcomes(options, metrics, log, this.#middleware)
  }

  use(middleware: Middleware): void {
    this.#middleware.push(middleware)
  }

  /** Tells `observer` of every answer from now on. */
  observe(observer: AnswerObserver): void {
    this.#observers = [...(this.#observers ?? []), observer]
  }

  #tellObservers(registration: Registration, actions: ActionWriter, context: Context): void {
    for (const each of this.#observers ?? [])
      each.onAnswer(registration, actions, context, this.#status, this.#duration)
  }

  /** Called once for each chunk that arrives: messages are timed from here on. */
  beginTurn(now: number): void {
    this.#since = now
  }

  /** When the clock was last read: after the latest message. */
  get now(): number {
    return this.#since
  }

  /**
   * Answers a whole NOTIFY payload. What the peer did wrong is thrown as SpopError, and nothing of the answer is
   * left behind; what handlers do wrong is answered.
   */
  dispatch(carrier: Carrier, head: FrameHead, reader: Reader): void {
    this.#metrics.notifies++
    const writer = carrier.outgoing()
    const start = beginFrame(writer, FrameType.Ack, FrameFlag.Fin, head.streamId, head.frameId)
    const payloadStart = writer.at
    let exchange: Exchange | undefined
    try {
      exchange = this.#callAll(carrier, head, reader, writer, start + lengthSize + carrier.maxFrameSize)
    } catch (error) {
      writer.reset(start)
      throw error
    }
    if (exchange === undefined) {
      endFrame(writer, start)
      carrier.acknowledged(start)
      return
    }
    if (writer.at > payloadStart)
      exchange.prefix = Buffer.from(writer.bytes.subarray(payloadStart, writer.at))
    writer.reset(start)
    carrier.hold(exchange)
    exchange.held = true
    // Only a promise that was tampered with answers before this turn is over.
    if (exchange.pending === 0) carrier.release(exchange)
  }

  /** Calls the handlers of all messages; the exchange when any of them is not done. */
  #callAll(
    carrier: Carrier,
    head: FrameHead,
    reader: Reader,
    writer: Writer,
    limit: number,
  ): Exchange | undefined {
    let exchange: Exchange | undefined
    try {
      while (reader.remaining > 0) exchange = this.#callNext(carrier, head, reader, writer, limit, exchange)
    } catch (error) {
      // A later message is broken: the handlers of the earlier ones have nobody left to answer to.
      if (exchange !== undefined) this.abandon(exchange, error)
      throw error
    }
    return exchange
  }

  /** Calls the handler of one message. Returns `exchange`, or a new one when this is the first that is not done. */
  #callNext(
    carrier: Carrier,
    head: FrameHead,
    reader: Reader,
    writer: Writer,
    limit: number,
    exchange: Exchange | undefined,
  ): Exchange | undefined {
    const registration = this.#table.read(reader)
    const count = reader.uint8()
    if (registration === undefined) {
      this.#metrics.unknownMessages++
      this.#mistakes.tellUnknown(this.#table.name, this.#table, carrier)
      skipItems(reader, count)
      return exchange
    }
    registration.metrics.received++
    const { streamId, frameId } = head
    const context = new Context(this.#table.name, carrier, streamId, frameId, reader.bytes, reader.at, count)
    const actions = new ActionWriter(
      writer,
      exchange === undefined ? limit : writer.at + exchange.room,
      this.#names,
    )
    const promise = this.#overloaded(carrier)
      ? this.#refuse(registration, reader, count, actions, context)
      : this.#call(registration, reader, count, actions, context)
    if (promise === undefined && (exchange === undefined || actions.size === 0)) {
      seal(registration, actions)
      if (this.#observers !== undefined) this.#tellObservers(registration, actions, context)
      return exchange
    }
    actions.detach(this.#writers)
    exchange ??= new Exchange(carrier, streamId, frameId, limit - writer.at)
    const part = new Part(exchange, registration, actions, context, this.#since)
    exchange.add(part)
    if (promise === undefined) {
      keep(part)
      if (this.#observers !== undefined) this.#tellObservers(registration, actions, context)
    } else this.#wait(part, promise)
    return exchange
  }

  /** Too much is waited for already. */
  #refuse(
    registration: Registration,
    reader: Reader,
    count: number,
    actions: ActionWriter,
    context: Context,
  ): undefined {
    skipItems(reader, count)
    const error = this.#outcomes.overload(registration, actions, context)
    this.#record(registration, context, 'overload', error, this.#since)
  }

  #overloaded(carrier: Carrier): boolean {
    const { maxInFlight, maxInFlightPerConnection } = this.#options
    return this.#metrics.inFlight >= maxInFlight || carrier.inFlight >= maxInFlightPerConnection
  }

  /** Calls one handler; a promise when it is not done. */
  #call(
    registration: Registration,
    reader: Reader,
    count: number,
    actions: ActionWriter,
    context: Context,
  ): PromiseLike<void> | undefined {
    let args: unknown
    try {
      args = decodeArguments(registration, reader, count, context)
    } catch (error) {
      // The payload itself is broken: that is the connection's business.
      if (!(error instanceof AgentError)) throw error
      return this.#failNow(registration, actions, context, error)
    }
    try {
      const promise =
        this.#middleware.length === 0
          ? invoke(registration, args, actions, context)
          : this.#before(registration, args, actions, context)
      if (promise !== undefined) return promise
    } catch (error) {
      return this.#failNow(registration, actions, context, error)
    }
    return this.#answered(registration, actions, context)
  }

  /** A handler has answered within the turn. HAProxy's clock went on meanwhile: what comes too late does not count. */
  #answered(registration: Registration, actions: ActionWriter, context: Context): undefined {
    const now = monotonic()
    const since = this.#since
    if (this.#isLate(registration, now - since)) {
      const busy = `: the handler kept the event loop busy for ${Math.round(now - since)} ms; ${moveWork}`
      const error = this.#outcomes.deadline(registration, actions, context, busy)
      this.#record(registration, context, 'deadline', error, since)
      abortContext(context, error)
    } else if (actions.oversized) {
      const error = this.#outcomes.oversize(registration, actions, context)
      this.#record(registration, context, 'oversized', error, since)
    } else this.#record(registration, context, 'ok', undefined, since, now)
  }

  #isLate({ deadline = this.#deadline }: Registration, duration: number): boolean {
    return duration > deadline && deadline > 0
  }

  /** Runs the middleware's `before`s and then the handler, synchronously as long as they are synchronous. */
  #before(
    registration: Registration,
    args: unknown,
    actions: ActionWriter,
    context: Context,
  ): PromiseLike<void> | undefined {
    for (const [index, each] of this.#middleware.entries()) {
      const result = each.before?.(context)
      if (isPromise(result)) return this.#beforeLater(result, index + 1, registration, args, actions, context)
    }
    return invoke(registration, args, actions, context)
  }

  async #beforeLater(
    first: PromiseLike<void>,
    from: number,
    registration: Registration,
    args: unknown,
    actions: ActionWriter,
    context: Context,
  ): Promise<void> {
    await first
    for (const each of this.#middleware.slice(from)) await each.before?.(context)
    // Too late: what the handler would do is no longer wanted.
    if (context.aborted) return
    await invoke(registration, args, actions, context)
  }

  #wait(part: Part, promise: PromiseLike<void>): void {
    const { exchange, registration } = part
    exchange.pending++
    exchange.carrier.inFlight++
    this.#metrics.inFlight++
    const deadline = registration.deadline ?? this.#deadline
    if (deadline > 0) this.#deadlines.add(part, deadline, part.since)
    // What the handler did before it first waited is not the next message's time.
    this.#since = monotonic()
    // A thenable may call back twice, or throw: a promise made of it does not.
    Promise.resolve(promise).then(
      () => this.#onResult(part, undefined),
      (error: unknown) => this.#onResult(part, error ?? new Error('rejected without a reason')),
    )
  }

  #onResult(part: Part, error: unknown): void {
    if (part.settled) {
      if (!part.actions.late) part.registration.metrics.late++
      return
    }
    const { registration, actions, context } = part
    const now = monotonic()
    if (error === undefined && this.#isLate(registration, now - part.since)) {
      // The loop was too busy for the timer that would have said so.
      this.#expire(
        part,
        `: the answer came after ${Math.round(now - part.since)} ms, the event loop was busy`,
      )
    } else if (error !== undefined) {
      this.#outcomes.fallback(registration, actions, context, 'error', error)
      this.#settle(part, 'error', error)
    } else if (actions.oversized || actions.size > part.exchange.room) {
      this.#settle(part, 'oversized', this.#outcomes.oversize(registration, actions, context))
    } else this.#settle(part, 'ok', undefined, now)
  }

  #expire(part: Part, how = ''): void {
    const error = this.#outcomes.deadline(part.registration, part.actions, part.context, how)
    this.#settle(part, 'deadline', error)
    abortContext(part.context, error)
  }

  #settle(part: Part, status: MessageOutcome['status'], error: unknown, now?: number): void {
    // What a fallback did may have ended the connection, and the part with it.
    if (part.settled) return
    this.#leave(part)
    part.actions.fit(part.exchange.room)
    part.exchange.room -= part.actions.size
    seal(part.registration, part.actions)
    this.#record(part.registration, part.context, status, error, part.since, now)
    if (this.#observers !== undefined) this.#tellObservers(part.registration, part.actions, part.context)
    const { exchange } = part
    if (exchange.pending === 0 && exchange.held) exchange.carrier.release(exchange)
  }

  /** The part waits no more. */
  #leave(part: Part): void {
    part.settled = true
    part.exchange.pending--
    part.exchange.carrier.inFlight--
    this.#metrics.inFlight--
    this.#deadlines.remove(part)
  }

  /** Nobody waits for the answer any more: handlers are told, and what they still say does not count. */
  abandon(exchange: Exchange, reason: unknown): void {
    for (let part = exchange.first; part !== undefined; part = part.next) {
      if (!part.settled) {
        this.#leave(part)
        part.actions.seal(part.registration.outrun)
        abortContext(part.context, reason)
      }
      part.actions.giveBack()
    }
  }

  /** Answers every held part of an exchange now, by its fallback: the connection is about to close. */
  answerNow(exchange: Exchange, error: unknown): void {
    for (let part = exchange.first; part !== undefined; part = part.next) {
      if (part.settled) continue
      this.#outcomes.fallback(part.registration, part.actions, part.context, 'error', error)
      this.#settle(part, 'error', error)
      abortContext(part.context, error)
    }
  }

  /** A synchronous handler did not answer. */
  #failNow(registration: Registration, actions: ActionWriter, context: Context, error: unknown): undefined {
    this.#outcomes.fallback(registration, actions, context, 'error', error)
    this.#record(registration, context, 'error', error, this.#since)
  }

  /** The message is answered. */
  #record(
    registration: Registration,
    context: Context,
    status: MessageOutcome['status'],
    error: unknown,
    since: number,
    now = monotonic(),
  ): void {
    const duration = now - since
    this.#since = now
    registration.metrics.latency.record(duration)
    if (this.#observers !== undefined) {
      this.#status = status
      this.#duration = duration
    }
    if (this.#middleware.length > 0) this.#outcomes.tell(registration, context, { status, error, duration })
  }

  /** Stops the timers. */
  clear(): void {
    this.#deadlines.clear()
  }
}

/** The handler of a message behind one that is waited for has answered at once. */
function keep(part: Part): void {
  part.settled = true
  part.exchange.room -= part.actions.size
  seal(part.registration, part.actions)
}

/** The answer is made. */
function seal({ forgotten, outrun }: Registration, actions: ActionWriter): void {
  actions.seal(actions.replaced ? outrun : forgotten)
}

function decodeArguments(
  registration: Registration,
  reader: Reader,
  count: number,
  context: Context,
): unknown {
  if (registration.decoder !== undefined) return registration.decoder.decode(reader, count)
  skipItems(reader, count)
  return context.message
}

function skipItems(reader: Reader, count: number): void {
  for (let index = 0; index < count; index++) {
    reader.skip(readVarint(reader))
    skipTypedData(reader)
  }
}

function invoke(
  registration: Registration,
  args: unknown,
  actions: ActionWriter,
  context: Context,
): PromiseLike<void> | undefined {
  // The registration keeps schema and handler together; what the decoder made is what the handler takes.
  const handler = registration.handler as (args: unknown, actions: ActionWriter, context: Context) => unknown
  const result = handler(args, actions, context)
  return isPromise(result) ? result : undefined
}
