/** Rules as they run: conditions and actions compiled to closures, and what these see of a stream. */
import type { Place, StreamLogLevel } from '../../config/index.ts'
import type { RequestHead, ResponseHead } from '../../http1/index.ts'
import type { Stream } from '../../sample/stream.ts'
import type { Flow } from './flow.ts'
import type { Wait } from './wait.ts'
import type { StreamReply } from './reply.ts'
import type { ServedFile } from './served-file.ts'
import type { SpoeMessagePlan, SpoePlan } from './spoe.ts'

/** A log format or the like: text, one character per byte. */
export type Format = (stream: Stream) => string

/** Who ended a stream, as the first character of the termination state has it; `-` is the normal end. */
export type Cause = 'K' | 'C' | 'S' | 'P' | 'L' | 'R' | 'I' | 'c' | 's' | '-'

/** What an action may look at, change and end. A stream that cannot do what is asked answers `Flow.Next`. */
export interface RuleStream extends Stream {
  /** Undefined when the stream is not HTTP. */
  readonly head: RequestHead | undefined
  /** Undefined before there is one. */
  readonly responseHead: ResponseHead | undefined
  /** The rules that run may not wait: an action asks before it begins something. */
  readonly hurried: boolean
  /**
   * Begins a wait, for an action that answers `Flow.Wait`.
   * @param abandon told when the stream ends, or is answered, before
   */
  wait(abandon?: () => void): Wait
  /** The page of a status, as the sections of this stream want it. */
  errorPage(status: number): StreamReply
  /** What `set-log-level` asked for. */
  logLevel: StreamLogLevel | undefined
  /** Whether `disable-l7-retry` forbids what `retry-on` allows. */
  sentOnce: boolean
  /** Keeps text for the log, in a slot of the frontend. */
  capture(side: 'request' | 'response', slot: number, text: string): void
  /**
   * Waits for the body of the request, or for as much of it as is kept; `Flow.Next` when there is nothing to wait for. The client is
   * answered 408 when it does not come in time.
   * @param time - milliseconds from now that it may take; undefined: as long as more comes within `timeout client`
   * @param enough - bytes that are enough; undefined: as many as are kept
   */
  awaitBody(time: number | undefined, enough?: number): Flow
  /** Sends a response with status 1xx ahead, to a client that knows what that is. */
  inform(head: ResponseHead): void
  /** The client is going to be kept waiting; answers for how many milliseconds. */
  beginTarpit(): number
  /** Answers the client, in place of the server; `cause` goes to the log. */
  reply(reply: StreamReply, cause: Cause): Flow
  /** Answers with a file, which the stream closes. The rules that follow are passed over, those of the response run. */
  serveFile(file: ServedFile): Flow
  /** Something that should not happen has happened behind a wait: it is logged, and ends the stream. */
  failed(error: unknown): void
  /** Ends the stream without an answer. */
  reject(cause: Cause): Flow
  /** Asks the agent of a filter. */
  sendGroup(engine: SpoePlan, messages: readonly SpoeMessagePlan[], group: string): Flow
}

/** What a rule does. */
export interface RuleAction {
  /** As in the configuration, for logs and `sluice check`. */
  readonly type: string
  run(stream: RuleStream): Flow
}

/** One rule. */
export interface RulePlan {
  readonly place: Place
  /** Undefined: always. 0 is no, 1 not yet known (only while `stream.final` is false), 2 yes. */
  readonly condition: ((stream: Stream) => 0 | 1 | 2) | undefined
  readonly action: RuleAction
}

/** The rule sets of a section. */
export interface RulePlans {
  readonly connection: readonly RulePlan[]
  readonly session: readonly RulePlan[]
  readonly requestContent: readonly RulePlan[]
  readonly httpRequest: readonly RulePlan[]
  readonly responseContent: readonly RulePlan[]
  readonly httpResponse: readonly RulePlan[]
  readonly httpAfterResponse: readonly RulePlan[]
}
