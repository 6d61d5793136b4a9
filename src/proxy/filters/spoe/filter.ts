/**
 * The SPOE filter: sends the messages of an event or a group to an agent, waits for the answer, sets the variables
 * that it names (SPOE.txt; src/flt_spoe.c of HAProxy 2.6).
 */
import { longestTimer, monotonic, turnTime } from '../../../base/clock.ts'
import { createEngine } from '../../../engine/index.ts'
import type { Engine, Outcome, PendingExchange } from '../../../engine/index.ts'
import type { SpoeEvent } from '../../../config/index.ts'
import { SpopError } from '../../../spop/index.ts'
import { Flow } from '../../plan/flow.ts'
import type { Step, StepStream } from '../../stream/step.ts'
import type { ProxyContext } from '../../context.ts'
import type { Backend } from '../../server/backend.ts'
import type { Backends } from '../../server/backends.ts'
import type { StreamFilter } from '../../stream/filter.ts'
import { ErrorRate } from './error-rate.ts'
import type { SpoeMessagePlan, SpoePlan } from '../../plan/spoe.ts'
import { SpoeContext } from './context.ts'
import { SpoeEventStep } from './event-step.ts'
import { engineOptions } from './engine-options.ts'
import { formatSpoeLine } from './log-line.ts'
import type { SpoeLogFields } from './log-line.ts'
import { awaitedOf, combine, Questions } from './questions.ts'
import type { Answer, Question } from './questions.ts'
import { FilterVariables } from './variables.ts'

/** `option set-on-error`: nothing was sent because no server is up and there is no connection (`spoe_queue_context`). */
const noAgentStatus = 2
/** The rules could not wait for the answer, or not so long. */
const interruptedStatus = 5
/** Something that should not happen. */
const unknownStatus = 255

/** One per `filter spoe` line; its engine is shared by all streams. */
export class SpoeFilter implements StreamFilter {
  readonly plan: SpoePlan
  readonly #context: ProxyContext
  readonly #backends: Backends
  #engine: Engine | undefined
  #closed = false
  readonly #errorRate: ErrorRate | undefined
  readonly #questions = new Questions()
  readonly #variables: FilterVariables
  /** Of events: to the turn where nobody reads their times. */
  readonly #clock: () => number
  #processed = 0
  #errors = 0
  /** Events and groups of which no message was to be sent: HAProxy's log counts them as processed. */
  #skipped = 0

  constructor(plan: SpoePlan, context: ProxyContext, backends: Backends) {
    this.plan = plan
    this.#context = context
    this.#backends = backends
    this.#variables = new FilterVariables(plan)
    const { maxErrRate, setProcessTime, setTotalTime } = plan.agent
    const isTimed = plan.logTargets.length > 0 || (setProcessTime ?? setTotalTime) !== undefined
    this.#clock = isTimed ? monotonic : turnTime
    this.#errorRate = maxErrRate === undefined || maxErrRate === 0 ? undefined : new ErrorRate(maxErrRate)
  }

  /** Exchanges so far, and those of them that failed. */
  get stats(): { readonly processed: number; readonly errors: number } {
    return { processed: this.#processed, errors: this.#errors }
  }

  eventStep(event: SpoeEvent): Step | undefined {
    const messages = this.plan.eventMessages(event)
    return messages.length === 0 ? undefined : new SpoeEventStep(this, event, messages)
  }

  sendGroup(stream: StepStream, messages: readonly SpoeMessagePlan[], group: string): Flow {
    return this.process(stream, messages, `GROUP:${group}`)
  }

  /**
   * Sends what of `messages` is to be sent. `Flow.Next`: there was nothing to wait for.
   * @param kind for the log: `EVENT:on-frontend-http-request`, `GROUP:name`
   */
  process(stream: StepStream, messages: readonly SpoeMessagePlan[], kind: string): Flow {
    const context = stream.stateOf(this, () => new SpoeContext())
    if (context.disabled) return Flow.Next
    const now = this.#clock()
    if (this.#errorRate?.exceeded(now) === true) return Flow.Next
    const questions = this.#collect(messages, stream)
    if (questions === undefined) {
      this.#finish(stream, context, unknownStatus, kind, now, this.#clock())
      return Flow.Next
    }
    if (questions.length === 0) {
      this.#skipped++
      return Flow.Next
    }
    const encoded = this.#clock()
    const awaited = awaitedOf(questions)
    const flow =
      awaited.length === 0
        ? Flow.Next
        : this.#ask(
            stream,
            context,
            awaited,
            (answer) => this.#finish(stream, context, answer, kind, now, encoded),
            (answer) => this.#leave(stream, answer, kind, now, encoded),
          )
    // Behind the others: an agent answers in the order in which it is asked.
    for (const each of questions) if (each.noWait) this.#tell(stream, context, each, kind, now)
    return flow
  }

  /** Undefined after a complaint. */
  #collect(messages: readonly SpoeMessagePlan[], stream: StepStream): readonly Question[] | undefined {
    try {
      return this.#questions.collect(messages, stream)
    } catch (error) {
      if (!(error instanceof SpopError)) throw error
      this.#complain(error)
      return undefined
    }
  }

  #ask(
    stream: StepStream,
    context: SpoeContext,
    questions: readonly Question[],
    done: (answer: Answer | number) => void,
    left: (answer: Answer) => void,
  ): Flow {
    const engine = this.#getEngine()
    if (engine === undefined || this.#deserted(engine)) {
      done(noAgentStatus)
      return Flow.Next
    }
    // Content rules that cannot wait send nothing (`spoe_send_group` with ACT_OPT_FINAL).
    if (stream.hurried) {
      done(interruptedStatus)
      return Flow.Next
    }
    context.stream ??= engine.createStream(stream.serial)
    // Room for one, here and below, which is the rule: an empty array takes room for seventeen with the first.
    const pending: (PendingExchange | undefined)[] = [undefined]
    let abandoned = false
    const cancel = () => {
      for (const each of pending) each?.cancel()
    }
    const wait = stream.wait(() => {
      abandoned = true
      cancel()
    })
    // Its outcome then is `interruptedStatus`.
    wait.interrupt = cancel
    const outcomes: (Outcome | undefined)[] = [undefined]
    let open = questions.length
    try {
      for (let at = 0; at < questions.length; at++) {
        const { messages, timeout = longestTimer } = questions[at] as Question // at < length
        const settle = (outcome: Outcome): void => {
          outcomes[at] = outcome
          if (--open > 0) return
          const answer = combine(outcomes as Outcome[]) // none is open
          if (abandoned) return left(answer)
          done(answer)
          wait.over()
        }
        pending[at] = engine.exchange(messages, timeout, settle, context.stream)
      }
    } catch (error) {
      abandoned = true
      cancel()
      this.#complain(error)
      done(unknownStatus)
      return Flow.Next
    }
    return Flow.Wait
  }

  /** Sends what nobody waits for: the stream may be gone when the answer comes. */
  #tell(stream: StepStream, context: SpoeContext, question: Question, kind: string, began: number): void {
    const { serial } = stream
    const { messages, timeout = longestTimer } = question
    const encoded = monotonic()
    const done = (outcome: Outcome | number): void => {
      const status = typeof outcome === 'number' ? outcome : outcome.status
      this.#count(status)
      const spent = Math.trunc(monotonic() - began)
      this.#log(serial, outcome, status, kind, Math.trunc(encoded - began), spent)
    }
    const engine = this.#getEngine()
    if (engine === undefined || this.#deserted(engine)) return done(noAgentStatus)
    context.stream ??= engine.createStream(serial)
    try {
      engine.exchange(messages, timeout, done, context.stream)
    } catch (error) {
      this.#complain(error)
      done(unknownStatus)
    }
  }

  /** What was to be sent has no form in SPOP. */
  #complain(error: unknown): void {
    const { logger } = this.#context.settings
    logger.error({ err: error, agent: this.plan.agent.name }, 'spoe: nothing was sent')
  }

  #count(status: number): void {
    this.#processed++
    if (status === 0) return
    this.#errors++
    this.#errorRate?.count(monotonic())
  }

  /** Whether the checks have taken all servers down; connections that stand are used nevertheless. */
  #deserted(engine: Engine): boolean {
    const backend = this.#backend()
    return backend?.usableServers === 0 && engine.stats.connections === 0
  }

  /** Whether agents are spoken to as HAProxy 3.1 and later do. */
  #isSpop(): boolean {
    return this.#backend()?.plan.model.mode === 'spop'
  }

  #backend(): Backend | undefined {
    const { backend } = this.plan
    return backend === undefined ? undefined : this.#backends.named(backend)
  }

  #getEngine(): Engine | undefined {
    if (this.#engine !== undefined || this.#closed) return this.#engine
    const backend = this.#backend()
    if (backend === undefined || backend.servers.length === 0) return undefined
    const { logger, recorder } = this.#context.settings
    this.#engine = createEngine(engineOptions(this.plan.agent, backend, logger))
    if (recorder !== undefined) this.#engine.record(recorder.source(this.plan.name))
    return this.#engine
  }

  #finish(
    stream: StepStream,
    context: SpoeContext,
    outcome: Answer | number,
    kind: string,
    began: number,
    encoded: number,
  ): void {
    const status = typeof outcome === 'number' ? outcome : outcome.status
    if (typeof outcome !== 'number') this.#variables.apply(stream, outcome.actions)
    // HAProxy neither logs nor counts a group that its rules could not wait for.
    if (status === interruptedStatus) {
      this.#processed++
      this.#errorRate?.count(monotonic())
      return this.#fail(stream, context, status)
    }
    const spent = Math.trunc(this.#clock() - began)
    context.total += spent
    this.#count(status)
    this.#variables.setTimes(stream, spent, context.total)
    if (status !== 0) this.#fail(stream, context, status)
    this.#log(stream.serial, outcome, status, kind, Math.trunc(encoded - began), spent)
  }

  /** The stream has ended while the agent was thinking, which is nobody's error. */
  #leave(stream: StepStream, answer: Answer, kind: string, began: number, encoded: number): void {
    this.#processed++
    const spent = Math.trunc(monotonic() - began)
    this.#log(stream.serial, answer, interruptedStatus, kind, Math.trunc(encoded - began), spent)
  }

  #fail(stream: StepStream, context: SpoeContext, status: number): void {
    this.#variables.setError(stream, status)
    if (!this.plan.agent.continueOnError) context.disabled = true
  }

  /** One line for each event or group: NOTICE, or WARNING for an error (SPOE.txt 4). */
  #log(
    serial: number,
    outcome: Answer | number,
    status: number,
    kind: string,
    requestTime: number,
    spent: number,
  ): void {
    const { agent, logTargets, logTag } = this.plan
    const normal = status === 0 || status === interruptedStatus
    if (logTargets.length === 0 || (normal && agent.dontLogNormal)) return
    const { queueTime, waitTime } = typeof outcome === 'number' ? { queueTime: -1, waitTime: -1 } : outcome
    const fields: SpoeLogFields = {
      agent: agent.name,
      kind,
      sid: serial,
      status,
      requestTime,
      queueTime,
      waitTime,
      processTime: spent,
      engine: this.#engine?.stats,
      errors: this.#errors,
      processed: this.#processed + this.#skipped,
    }
    const text = formatSpoeLine(fields, this.#isSpop())
    this.#context.log.send(logTargets, logTag, normal ? 'notice' : 'warning', text)
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#engine?.close()
  }

  destroy(): void {
    this.#closed = true
    this.#engine?.destroy()
  }
}
