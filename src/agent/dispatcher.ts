import { Buffer } from 'node:buffer'
import type { Reader } from '../bytes/reader.ts'
import type { Writer } from '../bytes/writer.ts'
import { monotonic } from '../base/clock.ts'
import { beginFrame, endFrame, FrameFlag, FrameType, lengthSize, type FrameHead } from '../spop/frame-head.ts'
import { ActionWriter } from './action-writer.ts'
import { Answers, seal } from './answers.ts'
import { decodeArguments, invoke, invokeBehind, skipItems } from './calls.ts'
import { abortContext, Context, type ConnectionInfo } from './context.ts'
import { AgentError } from './errors.ts'
import { Exchange, Part } from './exchange.ts'
import type { HandlerTable, Middleware, Registration } from './handlers.ts'
import type { LimitedLog } from './limited-log.ts'
import type { AgentMetrics } from './metrics.ts'
import { Mistakes } from './mistakes.ts'
import type { AnswerObserver } from './observer.ts'
import type { ResolvedAgentOptions } from './options.ts'
import { Outcomes } from './outcomes.ts'
import { PendingParts } from './pending-parts.ts'
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
  readonly #answers: Answers
  readonly #pending: PendingParts
  readonly #mistakes: Mistakes
  readonly #names: VariableNames
  readonly #writers = new WriterPool(heldActionsSize)

  constructor(
    options: ResolvedAgentOptions,
    table: HandlerTable,
    metrics: AgentMetrics,
    log: LimitedLog,
    mistakes: Mistakes,
  ) {
    this.#options = options
    this.#names = new VariableNames(options.varPrefix)
    this.#table = table
    this.#metrics = metrics
    this.#mistakes = mistakes
    this.#outcomes = new Outcomes(options, metrics, log, this.#middleware)
    this.#answers = new Answers(this.#outcomes, this.#middleware)
    this.#pending = new PendingParts(this.#outcomes, this.#answers, metrics, options.deadline)
  }

  use(middleware: Middleware): void {
    this.#middleware.push(middleware)
  }

  /** Tells `observer` of every answer from now on. */
  observe(observer: AnswerObserver): void {
    this.#answers.observe(observer)
  }

  /** Called once for each chunk that arrives: messages are timed from here on. */
  beginTurn(now: number): void {
    this.#answers.since = now
  }

  /** When the clock was last read: after the latest message. */
  get now(): number {
    return this.#answers.since
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
      if (exchange !== undefined) this.#pending.abandon(exchange, error)
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
      this.#skip(carrier, reader, count)
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
      this.#answers.tell(registration, actions, context)
      return exchange
    }
    actions.detach(this.#writers)
    exchange ??= new Exchange(carrier, streamId, frameId, limit - writer.at)
    const part = new Part(exchange, registration, actions, context, this.#answers.since)
    exchange.add(part)
    if (promise === undefined) this.#keep(part)
    else this.#pending.wait(part, promise)
    return exchange
  }

  /** The handler of a message behind one that is waited for has answered at once. */
  #keep(part: Part): void {
    const { registration, actions, context, exchange } = part
    part.settled = true
    exchange.room -= actions.size
    seal(registration, actions)
    this.#answers.tell(registration, actions, context)
  }

  /** Nobody is called for this message. */
  #skip(carrier: Carrier, reader: Reader, count: number): void {
    this.#metrics.unknownMessages++
    this.#mistakes.tellUnknown(this.#table.name, this.#table, carrier)
    skipItems(reader, count)
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
    this.#answers.record(registration, context, 'overload', error, this.#answers.since)
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
          : invokeBehind(this.#middleware, registration, args, actions, context)
      if (promise !== undefined) return promise
    } catch (error) {
      return this.#failNow(registration, actions, context, error)
    }
    return this.#answered(registration, actions, context)
  }

  /** A handler has answered within the turn. HAProxy's clock went on meanwhile: what comes too late does not count. */
  #answered(registration: Registration, actions: ActionWriter, context: Context): undefined {
    const now = monotonic()
    const { since } = this.#answers
    if (this.#pending.isLate(registration, now - since)) {
      const busy = `: the handler kept the event loop busy for ${Math.round(now - since)} ms; ${moveWork}`
      const error = this.#outcomes.deadline(registration, actions, context, busy)
      this.#answers.record(registration, context, 'deadline', error, since)
      abortContext(context, error)
    } else if (actions.oversized) {
      const error = this.#outcomes.oversize(registration, actions, context)
      this.#answers.record(registration, context, 'oversized', error, since)
    } else this.#answers.record(registration, context, 'ok', undefined, since, now)
  }

  /** A synchronous handler did not answer. */
  #failNow(registration: Registration, actions: ActionWriter, context: Context, error: unknown): undefined {
    this.#outcomes.fallback(registration, actions, context, 'error', error)
    this.#answers.record(registration, context, 'error', error, this.#answers.since)
  }

  /** See {@link PendingParts.abandon}. */
  abandon(exchange: Exchange, reason: unknown): void {
    this.#pending.abandon(exchange, reason)
  }

  /** See {@link PendingParts.answerNow}. */
  answerNow(exchange: Exchange, error: unknown): void {
    this.#pending.answerNow(exchange, error)
  }

  /** Stops the timers. */
  clear(): void {
    this.#pending.clear()
  }
}
