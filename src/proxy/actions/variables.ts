/** `set-var`, `set-var-fmt` and `unset-var`. */
import type { VariableName } from '../../config/index.ts'
import type { Stream } from '../../sample/stream.ts'
import type { SampleValue } from '../../sample/value.ts'
import type { SetCondition } from '../../sample/variables.ts'
import { Flow } from '../plan/flow.ts'
import type { RuleAction } from '../plan/rule.ts'

/** A sample that is missing leaves the variable as it is. */
export function setVar(
  { scope, name }: VariableName,
  conditions: readonly SetCondition[],
  evaluate: (stream: Stream) => SampleValue | undefined,
): RuleAction {
  return {
    type: 'set-var',
    run(stream) {
      const value = evaluate(stream)
      if (value !== undefined) stream.variables(scope)?.set(name, value, conditions)
      return Flow.Next
    },
  }
}

/** Removes it; one that is not set does not matter. */
export function unsetVar({ scope, name }: VariableName): RuleAction {
  return {
    type: 'unset-var',
    run(stream) {
      stream.variables(scope)?.unset(name)
      return Flow.Next
    },
  }
}
