/** `option http-buffer-request`: the rules behind this step see the body. */
import { Flow } from '../plan/flow.ts'
import type { Step, StepStream } from './step.ts'

/** `position` is 1 while the body is awaited. */
export class BodyStep implements Step {
  run(stream: StepStream): Flow {
    if (stream.position === 1) return Flow.Next
    stream.position = 1
    return stream.awaitBody()
  }
}
