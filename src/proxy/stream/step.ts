/** One step of a stream through its phases, and what it sees of the stream. */
import type { Flow } from '../plan/flow.ts'
import type { RuleStream } from '../plan/rule.ts'
import type { Inspection } from './inspection.ts'

/** What rules see, and what is between their runner and the stream alone. */
export interface StepStream extends RuleStream {
  /** What the current step has to remember. */
  position: number
  /** What samples show now will not change. */
  final: boolean
  /** The rules that run may not wait. */
  hurried: boolean
  /** The rules that run are content rules. */
  inspecting: boolean
  /** Whether no more bytes can come from the side that content rules look at now. */
  readonly inputOver: boolean
  readonly inspection: Inspection
  /** Counts the streams of the process from 0: `sid` of the SPOE log, and the stream id of the 2.6 engine profile. */
  readonly serial: number
  /** An event of a filter waits for its answer. */
  eventAsked(): void
  /** Content rules cannot decide on the bytes that are there. */
  awaitBytes(): Flow
  /** Answers a request for `monitor-uri`; `Flow.Next` for others. */
  answerMonitor(): Flow
  /** `option http-buffer-request`: as `awaitBody`, within `timeout http-request` of the section. */
  awaitBufferedBody(): Flow
  /**
   * Waits for all of a body that does not say its length, and says it then; `Flow.Next` for others.
   * @param most - bytes; a larger one is answered 413
   * @param memory - bytes of it that are not put into a file; undefined: a buffer's
   */
  awaitWholeBody(most: number, memory: number | undefined): Flow
  /** What a filter keeps of this stream; made when it first asks. */
  stateOf<State extends object>(filter: object, create: () => State): State
}

/** Steps keep nothing themselves. */
export interface Step {
  run(stream: StepStream): Flow
}
