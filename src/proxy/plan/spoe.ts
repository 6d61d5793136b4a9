/** What a SPOE file was compiled to. */
import type { SpoeAgent, SpoeEvent } from '../../config/index.ts'
import type { Stream } from '../../sample/stream.ts'
import type { SampleValue } from '../../sample/value.ts'
import type { LogDestination } from './log.ts'

/** One argument of a message. */
export interface SpoeArgPlan {
  /** Empty for an argument without a name. */
  readonly name: string
  readonly evaluate: (stream: Stream) => SampleValue | undefined
  /** What it evaluates, where asking for it once is enough for all messages of an event; undefined: each is asked for itself. */
  readonly shared: string | undefined
}

/** A message, compiled for the phase in which it is sent. */
export interface SpoeMessagePlan {
  readonly name: string
  readonly condition: ((stream: Stream) => boolean) | undefined
  readonly args: readonly SpoeArgPlan[]
  /** Milliseconds for its answer; undefined: no limit. */
  readonly timeout: number | undefined
  /** The stream does not wait for the answer, whose actions are dropped. */
  readonly noWait: boolean
}

/** A filter: one engine. */
export interface SpoePlan {
  /** What `send-spoe-group` calls it. */
  readonly name: string
  readonly agent: SpoeAgent
  /** Whose servers are asked; undefined: there is none, and every exchange fails. */
  readonly backend: string | undefined
  readonly logTargets: readonly LogDestination[]
  readonly logTag: string
  /** The messages of an event, in the order in which the agent lists them. */
  eventMessages(event: SpoeEvent): readonly SpoeMessagePlan[]
  /** Whether the agent may set a variable, given with its prefix. */
  maySet(scope: string, name: string): boolean
}
