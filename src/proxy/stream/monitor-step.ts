import type { Flow } from '../plan/flow.ts'
import type { Step, StepStream } from './step.ts'

/** `monitor-uri`: events and rules of the connection come before it, those of requests are not for it. */
export class MonitorStep implements Step {
  run(stream: StepStream): Flow {
    return stream.answerMonitor()
  }
}
