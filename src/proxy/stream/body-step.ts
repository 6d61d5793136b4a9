/** Steps that wait for the body of the request; no rule does. */
import { Flow } from '../plan/flow.ts'
import type { FcgiPlan } from '../plan/fcgi.ts'
import type { Step, StepStream } from './step.ts'

/**
 * `option http-buffer-request`: the rules behind this step see the body.
 *
 * `position` is 1 while the body is awaited.
 */
export class BodyStep implements Step {
  run(stream: StepStream): Flow {
    if (stream.position === 1) return Flow.Next
    stream.position = 1
    return stream.awaitBufferedBody()
  }
}

/** Applications are told how long a body is: one that comes in chunks is waited for to its end. */
export class WholeBodyStep implements Step {
  readonly #plan: FcgiPlan

  constructor(plan: FcgiPlan) {
    this.#plan = plan
  }

  run(stream: StepStream): Flow {
    if (stream.position === 1) return Flow.Next
    stream.position = 1
    const { maxUnsizedBody, unsizedBodyMemory } = this.#plan.model
    return stream.awaitWholeBody(maxUnsizedBody, unsizedBodyMemory)
  }
}
