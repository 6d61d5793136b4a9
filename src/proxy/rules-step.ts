/** Runs the rules of one rule set of one section. */
import { Flow } from './flow.ts'
import type { Step } from './flow.ts'
import type { RulePlan } from './plan.ts'
import type { ProxyStream } from './stream.ts'

/** See the head of this file. `position` is the rule to go on with. */
export class RulesStep implements Step {
  readonly #rules: readonly RulePlan[]
  /** How long content rules may wait for data, in milliseconds. */
  readonly #inspectDelay: number | undefined

  constructor(rules: readonly RulePlan[], inspectDelay: number | undefined) {
    this.#rules = rules
    this.#inspectDelay = inspectDelay
  }

  run(stream: ProxyStream): Flow {
    const rules = this.#rules
    for (let at = stream.position; at < rules.length; at++) {
      const { condition, action } = rules[at] as RulePlan // at < length
      if (condition !== undefined) {
        const verdict = condition(stream)
        if (verdict === 1) {
          stream.position = at
          stream.waitForData(this.#inspectDelay ?? 0)
          return Flow.Wait
        }
        if (verdict === 0) continue
      }
      // Before the action: it may resume the stream by itself.
      stream.position = at + 1
      const flow = action.run(stream)
      if (flow === Flow.Stop) return Flow.Next
      if (flow !== Flow.Next) return flow
    }
    return Flow.Next
  }
}
