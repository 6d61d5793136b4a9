/** What a stream knows of a filter that it goes through (`filter spoe`). */
import type { SpoeEvent } from '../../config/index.ts'
import type { Flow } from '../plan/flow.ts'
import type { SpoeMessagePlan, SpoePlan } from '../plan/spoe.ts'
import type { Step, StepStream } from './step.ts'

/** One `filter` line of a section that is running. */
export interface StreamFilter {
  readonly plan: SpoePlan
  /** The step that fires an event; undefined when no message is sent at it. */
  eventStep(event: SpoeEvent): Step | undefined
  /** Sends a group in the middle of rules. */
  sendGroup(stream: StepStream, messages: readonly SpoeMessagePlan[], group: string): Flow
}
