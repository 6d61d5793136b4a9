/** What a stream knows of a filter that it goes through (`filter spoe`). */
import type { SpoeEvent } from '../../config/index.ts'
import type { EngineStream } from '../../engine/index.ts'
import type { Flow } from '../plan/flow.ts'
import type { SpoeMessagePlan, SpoePlan } from '../plan/spoe.ts'
import type { Step } from './step.ts'
import type { ProxyStream } from './stream.ts'

/** One `filter` line of a section that is running. */
export interface StreamFilter {
  readonly plan: SpoePlan
  /** The step that fires an event; undefined when no message is sent at it. */
  eventStep(event: SpoeEvent): Step | undefined
  /** Sends a group in the middle of rules. */
  sendGroup(stream: ProxyStream, messages: readonly SpoeMessagePlan[], group: string): Flow
}

/** What a filter remembers of one stream. */
export class FilterContext {
  readonly filter: StreamFilter
  /** An error has ended the filter's work for this stream. */
  disabled = false
  /** Milliseconds spent in all exchanges. */
  total = 0
  /** Gives the exchanges of a stream one id. */
  stream: EngineStream | undefined

  constructor(filter: StreamFilter) {
    this.filter = filter
  }
}
