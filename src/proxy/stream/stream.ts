/**
 * What TCP and HTTP streams have in common: the phases they go through, the variables, the place in the log, and the
 * face that samples see.
 */
import { wallClock } from '../../clock.ts'
import type {
  SampleEndpoint,
  SampleFcgiApp,
  SampleNamed,
  SampleRequest,
  SampleResponse,
  Stream,
  StreamLog,
} from '../../sample/stream.ts'
import type { StreamLogLevel, VariableScope } from '../../config/model.ts'
import { VariableStore } from '../../sample/variables.ts'
import type { Backend } from '../server/backend.ts'
import type { Captured } from './captured.ts'
import { Flow, Wait } from './flow.ts'
import type { Step } from './flow.ts'
import { Inspection } from './inspection.ts'
import type { Frontend } from '../client/frontend.ts'
import type { StreamReply } from './reply.ts'
import type { Server } from '../server/server.ts'
import type { Session } from '../client/session.ts'
import { StreamLogView } from './log-view.ts'
import type { StreamTimes } from './times.ts'
import type { SpoeContext } from '../filters/spoe/context.ts'

const noSteps: readonly Step[] = []
const nothing = (): void => {}

/** How far a stream came, as the second character of the termination state has it. */
export type Stage = 'R' | 'T' | 'Q' | 'C' | 'H' | 'D' | 'L' | '-'

/** Who ended a stream, as the first character of the termination state has it; `-` is the normal end. */
export type Cause = 'K' | 'C' | 'S' | 'P' | 'L' | 'R' | 'I' | 'c' | 's' | '-'

/** See the head of this file. */
export abstract class ProxyStream implements Stream {
  readonly session: Session
  readonly frontend: Frontend
  /** Counts the streams of the process from 0: `sid` of the SPOE log, and the stream id of the 2.6 engine profile. */
  readonly serial: number
  readonly times: StreamTimes
  direction: 'request' | 'response' = 'request'
  /** What samples show now will not change. */
  final = true
  /** The rules that run may not wait: an action asks before it begins something. */
  hurried = false
  chosenBackend: Backend | undefined
  server: Server | undefined
  stage: Stage = 'R'
  cause: Cause = '-'
  /** What the log shows; 0 for TCP, -1 when there was none. */
  status = 0
  bytesRead = 0
  bytesUploaded = 0
  retries = 0
  redispatched = false
  queuedBefore = 0
  /** What `capture` took, by the slots of the frontend; undefined: nothing yet. */
  capturedRequest: Captured | undefined
  capturedResponse: Captured | undefined
  /** What `set-log-level` asked for. */
  logLevel: StreamLogLevel | undefined
  /** Whether the stream has ended: nothing may happen to it any more. */
  over = false
  /** What the current step has to remember. */
  position = 0
  /** The state of the SPOE filters, by their place in the list of those that see this stream. */
  spoeContexts: SpoeContext[] | undefined

  #steps: readonly Step[] = noSteps
  #at = 0
  #then: () => void = nothing
  #running = false
  #wait: Wait | undefined
  /** The wait for more bytes, while it is one. */
  #bytes: Wait | undefined
  #inspection: Inspection | undefined
  #txn: VariableStore | undefined
  #req: VariableStore | undefined
  #res: VariableStore | undefined
  #uniqueId: string | undefined

  constructor(session: Session, times: StreamTimes) {
    this.session = session
    this.frontend = session.frontend
    this.times = times
    this.serial = session.frontend.proxy.nextSerial()
  }

  // Steps.

  /** Runs `steps`, then calls `then` unless one of them ended the stream. */
  protected runSteps(steps: readonly Step[], then: () => void): void {
    this.#steps = steps
    this.#at = 0
    this.position = 0
    this.#then = then
    this.#advance()
  }

  /**
   * Begins a wait, for a step that answers `Flow.Wait`.
   * @param abandon told when the stream ends, or is answered, before
   */
  wait(abandon: () => void = nothing): Wait {
    return (this.#wait = new Wait(this.#wake, abandon))
  }

  readonly #wake = (wait: Wait): void => {
    if (this.#wait !== wait || this.over) return
    this.#wait = undefined
    // Over before the step that began it has returned: `#step` runs that step again.
    if (!this.#running) this.#advance()
  }

  /** What the step waits for interests nobody any more. */
  protected abandonWait(): void {
    const wait = this.#wait
    this.#wait = undefined
    wait?.abandon()
  }

  // Inspection.

  get inspection(): Inspection {
    return (this.#inspection ??= new Inspection(() => this.#onInspected()))
  }

  /** Whether no more bytes can come from the side that content rules look at now. */
  abstract get inputOver(): boolean

  /** Content rules cannot decide on the bytes that are there. */
  awaitBytes(): Flow {
    this.#bytes = this.wait()
    return Flow.Wait
  }

  /** Whether the rules wait for bytes, and for nothing else. */
  protected get awaitsBytes(): boolean {
    return this.#bytes !== undefined && this.#bytes === this.#wait
  }

  /** More bytes have come, or the last ones. */
  protected inspectAgain(): void {
    this.#bytes?.over()
  }

  /** `inspect-delay` has run out: the rules decide on what there is, and without what an action waits for. */
  #onInspected(): void {
    if (this.awaitsBytes) this.inspectAgain()
    else this.#wait?.interrupt?.()
  }

  /** A fault of ours costs this stream, and nothing else. */
  #advance(): void {
    try {
      this.#step()
    } catch (error) {
      this.#running = false
      this.#steps = noSteps
      this.frontend.proxy.settings.logger.error(
        { err: error, frontend: this.frontend.name },
        'a stream failed',
      )
      if (!this.over) this.fault()
    }
  }

  #step(): void {
    this.#running = true
    const steps = this.#steps
    while (this.#at < steps.length) {
      const flow = (steps[this.#at] as Step).run(this) // at < length
      if (flow === Flow.Wait && this.#wait === undefined && !this.over) continue
      if (flow === Flow.Wait || flow === Flow.Over || this.#steps !== steps) {
        this.#running = false
        return
      }
      this.#at++
      this.position = 0
    }
    this.#running = false
    const then = this.#then
    this.#steps = noSteps
    this.#then = nothing
    if (!this.over) then()
  }

  // What actions do to a stream; a stream that cannot do it answers `Flow.Next`.

  /** Answers the client, in place of the server; `cause` and the stage go to the log. */
  abstract reply(reply: StreamReply, cause: Cause): Flow
  /** Ends the stream without an answer. */
  abstract reject(cause: Cause): Flow
  /** Something that should not happen has happened: ends the stream. */
  protected abstract fault(): void

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
    return this.frontend.proxy.isLocal(this.session.source)
  }

  get destinationIsLocal(): boolean {
    return this.frontend.proxy.isLocal(this.session.destination)
  }

  get backend(): SampleNamed {
    return this.chosenBackend ?? this.frontend
  }

  abstract get request(): SampleRequest | undefined
  abstract get response(): SampleResponse | undefined
  abstract get requestBuffer(): Buffer | undefined
  abstract get responseBuffer(): Buffer | undefined
  abstract get requestLine(): string | undefined
  abstract get serverAddress(): SampleEndpoint | undefined
  abstract get backendSource(): SampleEndpoint | undefined

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
    return new StreamLogView(this)
  }

  variables(scope: VariableScope): VariableStore | undefined {
    switch (scope) {
      case 'proc':
        return this.frontend.proxy.variables
      case 'sess':
        return this.session.variables
      case 'txn':
        return (this.#txn ??= new VariableStore({ parent: this.session.variables }))
      case 'req':
        if (this.direction === 'response') return undefined
        return (this.#req ??= new VariableStore({ parent: this.session.variables }))
      case 'res':
        if (this.direction === 'request') return undefined
        return (this.#res ??= new VariableStore({ parent: this.session.variables }))
    }
  }

  random(): number {
    return Math.floor(Math.random() * 0x1_0000_0000)
  }

  /** The stream has ended: everything that was counted for it is given back. Answers false when it was over already. */
  protected finishOnce(): boolean {
    if (this.over) return false
    this.over = true
    this.#inspection?.end()
    this.abandonWait()
    this.#txn?.clear()
    this.#req?.clear()
    this.#res?.clear()
    return true
  }
}
