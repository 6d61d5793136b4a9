/** `set-var`, `set-var-fmt` and `unset-var`. */
import type { SetVarAction, VariableAction, VariableName } from '../../config/index.ts'
import { str } from '../../sample/index.ts'
import type { SampleValue, SetCondition, Stream } from '../../sample/index.ts'
import { Flow } from '../plan/flow.ts'
import type { RuleAction } from '../plan/rule.ts'
import type { ActionCompilers, ActionContext } from './context.ts'

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

function compileSetVar(action: SetVarAction, context: ActionContext): RuleAction | undefined {
  const { variable, conditions } = action
  context.register(variable)
  if (action.type === 'set-var-fmt') {
    const format = context.format(action.format, 'plain')
    return setVar(variable, conditions, (stream) => str(format(stream)))
  }
  const evaluate = context.expression(action.expression)
  return evaluate === undefined ? undefined : setVar(variable, conditions, evaluate)
}

/** All of them. */
export const variableCompilers: ActionCompilers<VariableAction> = {
  'set-var': compileSetVar,
  'set-var-fmt': compileSetVar,
  'unset-var': ({ variable }, context) => {
    context.register(variable)
    return unsetVar(variable)
  },
}
