import { Flow } from '../plan/flow.ts'
import type { Step, StepStream } from './step.ts'
import type { RulePlan } from '../plan/rule.ts'

/** How the rules of `tcp-request content` and `tcp-response content` wait. */
export interface ContentRules {
  /** `inspect-delay`, in milliseconds; undefined: they decide at once. */
  readonly delay: number | undefined
}

/** Runs the rules of one rule set of one section. `position` is the rule to go on with. */
export class RulesStep implements Step {
  readonly #rules: readonly RulePlan[]
  readonly #content: ContentRules | undefined

  constructor(rules: readonly RulePlan[], content: ContentRules | undefined) {
    this.#rules = rules
    this.#content = content
  }

  run(stream: StepStream): Flow {
    const content = this.#content
    if (content === undefined) return this.#run(stream, undefined)
    const { delay } = content
    // Asked anew each time: the delay may be over by now, or the side that is read may have ended.
    stream.final = delay === undefined || stream.inspection.expired || stream.inputOver
    // Bytes may be complete, and an agent still be waited for.
    stream.hurried = delay === undefined || stream.inspection.expired
    stream.inspecting = true
    const flow = this.#run(stream, delay)
    if (flow === Flow.Wait) stream.inspection.begin(delay ?? 0)
    else stream.inspection.end()
    stream.hurried = stream.inspecting = false
    stream.final = true
    return flow
  }

  #run(stream: StepStream, delay: number | undefined): Flow {
    const rules = this.#rules
    for (let at = stream.position; at < rules.length; at++) {
      const { condition, action } = rules[at] as RulePlan // at < length
      if (condition !== undefined) {
        const verdict = condition(stream)
        if (verdict === 1 && delay !== undefined) {
          // All rules see the bytes that are awaited: as in HAProxy, those before this one run again.
          stream.position = 0
          return stream.awaitBytes()
        }
        if (verdict !== 2) continue
      }
      // Before the action: a wait of it goes on with the next rule.
      stream.position = at + 1
      const flow = action.run(stream)
      if (flow === Flow.Stop) return Flow.Next
      if (flow !== Flow.Next) return flow
    }
    return Flow.Next
  }
}
