import { monotonic } from '../base/clock.ts'
import { Deadlines } from '../base/deadlines.ts'
import { seal, type Answers } from './answers.ts'
import { abortContext } from './context.ts'
import type { Exchange, Part } from './exchange.ts'
import type { MessageOutcome, Registration } from './handlers.ts'
import type { AgentMetrics } from './metrics.ts'
import type { Outcomes } from './outcomes.ts'

/**
 * The messages whose handlers are not done: each is settled once, by its result, its deadline, or the end of its connection.
 * What is said of it later is late, and counted as that.
 */
export class PendingParts {
  readonly #outcomes: Outcomes
  readonly #answers: Answers
  readonly #metrics: AgentMetrics
  /** Of handlers that have none of their own, in milliseconds; 0 is none. */
  readonly #deadline: number
  readonly #deadlines = new Deadlines<Part>((part) => this.#expire(part), true)

  constructor(outcomes: Outcomes, answers: Answers, metrics: AgentMetrics, deadline: number) {
    this.#outcomes = outcomes
    this.#answers = answers
    this.#metrics = metrics
    this.#deadline = deadline
  }

  /** Whether a result after `duration` milliseconds is too late. */
  isLate({ deadline = this.#deadline }: Registration, duration: number): boolean {
    return duration > deadline && deadline > 0
  }

  /** The handler of a part has returned `promise`. */
  wait(part: Part, promise: PromiseLike<void>): void {
    const { exchange, registration } = part
    exchange.pending++
    exchange.carrier.inFlight++
    this.#metrics.inFlight++
    const deadline = registration.deadline ?? this.#deadline
    if (deadline > 0) this.#deadlines.add(part, deadline, part.since)
    // What the handler did before it first waited is not the next message's time.
    this.#answers.since = monotonic()
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
    if (error === undefined && this.isLate(registration, now - part.since)) {
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
    const { registration, actions, context, exchange } = part
    this.#leave(part)
    actions.fit(exchange.room)
    exchange.room -= actions.size
    seal(registration, actions)
    this.#answers.record(registration, context, status, error, part.since, now)
    this.#answers.tell(registration, actions, context)
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

  /** Stops the timers. */
  clear(): void {
    this.#deadlines.clear()
  }
}
