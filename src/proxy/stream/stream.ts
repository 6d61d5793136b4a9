import { wallClock } from '../../base/clock.ts'
import type { StreamLogLevel, VariableScope } from '../../config/model/index.ts'
import type { RequestHead, ResponseHead } from '../../http1/index.ts'
import type {
  RequestState,
  SampleEndpoint,
  SampleFcgiApp,
  SampleNamed,
  SampleRequest,
  SampleResponse,
  StreamLog,
} from '../../sample/stream.ts'
import { VariableStore } from '../../sample/variables.ts'
import type { ProxyContext } from '../context.ts'
import { Flow } from '../plan/flow.ts'
import type { ProxyPlan } from '../plan/plan.ts'
import type { StreamReply } from '../plan/reply.ts'
import type { Cause } from '../plan/rule.ts'
import type { ServedFile } from '../plan/served-file.ts'
import type { SpoeMessagePlan, SpoePlan } from '../plan/spoe.ts'
import type { Backend } from '../server/backend.ts'
import type { Captured } from './captured.ts'
import type { Server } from '../server/server.ts'
import { logStream } from './log-line.ts'
import type { LoggedStream } from './logged-stream.ts'
import { StreamLogView } from './log-view.ts'
import type { StreamRecord } from './record.ts'
import { errorReply } from './reply.ts'
import type { Router } from './router.ts'
import type { Session } from './session.ts'
import { StepRunner } from './step-runner.ts'
import type { Step, StepStream } from './step.ts'
import type { Route } from './steps.ts'

/**
 * What TCP and HTTP streams, one connection or one request and its response, have in common: the variables, the filters,
 * the record for the log, and the face that samples and rules see.
 */
export abstract class ProxyStream extends StepRunner implements StepStream, LoggedStream {
  readonly context: ProxyContext
  readonly session: Session
  readonly frontend: Router
  readonly record: StreamRecord
  direction: 'request' | 'response' = 'request'
  chosenBackend: Backend | undefined
  server: Server | undefined
  /** What `capture` took, by the slots of the frontend; undefined: nothing yet. */
  capturedRequest: Captured | undefined
  capturedResponse: Captured | undefined
  logLevel: StreamLogLevel | undefined
  sentOnce = false
  /** Counts the streams of the process from 0: `sid` of the SPOE log, and the stream id of the 2.6 engine profile. */
  readonly serial: number

  #route: Route | undefined
  /** Of the filters that have seen this stream: few, and asked for often. */
  #filterStates: { readonly filter: object; readonly state: object }[] | undefined
  #txn: VariableStore | undefined
  #req: VariableStore | undefined
  #res: VariableStore | undefined
  #uniqueId: string | undefined
  #log: StreamLogView | undefined

  constructor(
    context: ProxyContext,
    session: Session,
    frontend: Router,
    record: StreamRecord,
    serial = context.nextStream(),
  ) {
    super()
    this.context = context
    this.session = session
    this.frontend = frontend
    this.record = record
    this.serial = serial
  }

  /** This is the same stream, in another mode, with the same number: it has what the other one had. */
  protected inherit(before: ProxyStream): void {
    this.#txn = before.#txn
    this.#req = before.#req
    this.#uniqueId = before.#uniqueId
    this.#filterStates = before.#filterStates
    before.#txn = before.#req = undefined
  }

  /** Gives back what its variables took. */
  protected clearVariables(): void {
    this.#txn?.clear()
    this.#req?.clear()
    this.#res?.clear()
  }

  // Steps.

  protected runStep(step: Step): Flow {
    return step.run(this)
  }

  protected onFault(error: unknown): void {
    this.context.settings.logger.error({ err: error, frontend: this.frontend.name }, 'a stream failed')
    if (!this.over) this.fault()
  }

  /** The backend is chosen: what the stream goes through from here on is known. */
  protected enter(backend: Backend): Route {
    this.chosenBackend = backend
    backend.enter()
    return (this.#route = this.frontend.routeTo(backend))
  }

  protected get route(): Route | undefined {
    return this.#route
  }

  // What actions do to a stream.

  get head(): RequestHead | undefined {
    return undefined
  }

  get responseHead(): ResponseHead | undefined {
    return undefined
  }

  errorPage(status: number): StreamReply {
    return errorReply(status, this, this.chosenBackend?.plan, this.frontend.plan)
  }

  inform(_head: ResponseHead): void {}

  /** A slot that the frontend does not have is not there. */
  capture(side: 'request' | 'response', slot: number, text: string): void {
    const slots = this.frontend.plan.model.captures[side]
    const length = slots[slot]?.length
    if (length === undefined) return
    const captured = side === 'request' ? this.capturedRequest : this.capturedResponse
    const filled = captured ?? slots.map(() => undefined)
    filled[slot] = text.slice(0, length)
    if (side === 'request') this.capturedRequest = filled
    else this.capturedResponse = filled
  }

  beginTarpit(): number {
    this.record.tarpitted()
    return (this.chosenBackend ?? this.frontend).plan.timeouts.tarpit ?? 0
  }

  abstract reply(reply: StreamReply, cause: Cause): Flow

  /** Where there is no HTTP there are no rules that ask for it. */
  serveFile({ handle }: ServedFile): Flow {
    handle.close().catch(() => {})
    return Flow.Next
  }

  failed(error: unknown): void {
    this.onFault(error)
  }

  abstract reject(cause: Cause): Flow
  /** Something that should not happen has happened: ends the stream. */
  protected abstract fault(): void

  answerMonitor(): Flow {
    return Flow.Next
  }

  awaitBody(_time: number | undefined, _enough?: number): Flow {
    return Flow.Next
  }

  awaitBufferedBody(): Flow {
    return Flow.Next
  }

  awaitWholeBody(_most: number, _memory: number | undefined): Flow {
    return Flow.Next
  }

  stateOf<State extends object>(filter: object, create: () => State): State {
    const states = (this.#filterStates ??= [])
    for (const each of states) if (each.filter === filter) return each.state as State // its own
    const state = create()
    states.push({ filter, state })
    return state
  }

  sendGroup(engine: SpoePlan, messages: readonly SpoeMessagePlan[], group: string): Flow {
    const filters = this.#route?.filters ?? this.frontend.filters
    const filter = filters.find(({ plan }) => plan === engine)
    return filter === undefined ? Flow.Next : filter.sendGroup(this, messages, group)
  }

  // What samples see.

  get now(): number {
    return wallClock()
  }

  get source(): SampleEndpoint | undefined {
    return this.session.source
  }

  get destination(): SampleEndpoint | undefined {
    return this.session.destination
  }

  get sourceIsLocal(): boolean {
    return this.context.isLocal(this.session.source)
  }

  get destinationIsLocal(): boolean {
    return this.context.isLocal(this.session.destination)
  }

  get backend(): SampleNamed {
    return this.chosenBackend ?? this.frontend
  }

  get request(): SampleRequest | undefined {
    return undefined
  }

  get requestState(): RequestState {
    return 'invalid'
  }

  get response(): SampleResponse | undefined {
    return undefined
  }

  get requestBuffer(): Buffer | undefined {
    return undefined
  }

  get responseBuffer(): Buffer | undefined {
    return undefined
  }

  /** `GET /path HTTP/1.1` as received. */
  get requestLine(): string | undefined {
    return undefined
  }

  get serverAddress(): SampleEndpoint | undefined {
    return undefined
  }

  get backendSource(): SampleEndpoint | undefined {
    return undefined
  }

  get firstRequest(): boolean {
    return this.session.requests <= 1
  }

  get tls(): undefined {
    return undefined
  }

  get fcgiApp(): SampleFcgiApp | undefined {
    return this.chosenBackend?.plan.fcgi?.sample
  }

  /** Made when it is first asked for. */
  get uniqueId(): string | undefined {
    const format = this.frontend.plan.uniqueId
    if (format === undefined) return undefined
    return (this.#uniqueId ??= format(this))
  }

  get log(): StreamLog {
    return (this.#log ??= new StreamLogView(this))
  }

  variables(scope: VariableScope): VariableStore | undefined {
    switch (scope) {
      case 'proc':
        return this.context.variables
      case 'sess':
        return this.session.variables
      case 'txn':
        return (this.#txn ??= this.#newStore())
      case 'req':
        return this.direction === 'response' ? undefined : (this.#req ??= this.#newStore())
      case 'res':
        return this.direction === 'request' ? undefined : (this.#res ??= this.#newStore())
    }
  }

  #newStore(): VariableStore {
    return new VariableStore({ parent: this.session.variables })
  }

  random(): number {
    return Math.floor(Math.random() * 0x1_0000_0000)
  }

  // The end.

  /** Gives back the place that the stream has at a server; nobody is told of that yet. */
  protected abstract releaseServer(): void

  /** What this stream's sections agree on: the backend's word, else the frontend's. */
  protected get plans(): readonly [backend: ProxyPlan | undefined, frontend: ProxyPlan] {
    return [this.chosenBackend?.plan, this.frontend.plan]
  }

  /**
   * The stream has ended: it is logged, and everything that was counted for it is given back. Whoever calls it closes
   * nothing before, so that the log still sees the addresses, and starts nothing before, so that nobody finds it alive.
   */
  protected finishOnce(silent: boolean): void {
    if (this.over) return
    this.record.ended()
    // Log lines are made of the response.
    this.direction = 'response'
    this.endSteps()
    // The counters of the line are those of the others.
    this.chosenBackend?.leave()
    this.releaseServer()
    if (!silent) logStream(this)
    this.#tally()
    this.clearVariables()
  }

  /** Who connects and says nothing, as browsers do in store, and load balancers to check, is no request. */
  #tally(): void {
    const { chosenBackend, frontend, record } = this
    if (chosenBackend !== undefined) chosenBackend.tally.count(record)
    else if (record.carried) frontend.tally.count(record)
  }
}
