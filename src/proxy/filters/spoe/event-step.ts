/** Fires an event of a filter. */
import type { SpoeEvent } from '../../../config/index.ts'
import { Flow } from '../../plan/flow.ts'
import type { SpoeMessagePlan } from '../../plan/spoe.ts'
import type { Step, StepStream } from '../../stream/step.ts'

/** What fires it: a filter. */
export interface EventFilter {
  process(stream: StepStream, messages: readonly SpoeMessagePlan[], kind: string): Flow
}

/** Once for each stream: `position` is 1 while the answer is awaited. */
export class SpoeEventStep implements Step {
  readonly #filter: EventFilter
  readonly #messages: readonly SpoeMessagePlan[]
  readonly #kind: string

  constructor(filter: EventFilter, event: SpoeEvent, messages: readonly SpoeMessagePlan[]) {
    this.#filter = filter
    this.#messages = messages
    this.#kind = `EVENT:${event}`
  }

  run(stream: StepStream): Flow {
    if (stream.position === 1) return Flow.Next
    stream.position = 1
    const flow = this.#filter.process(stream, this.#messages, this.#kind)
    if (flow === Flow.Wait) stream.eventAsked()
    return flow
  }
}
