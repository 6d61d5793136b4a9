/** `capture`: a sample for a slot of the frontend. */
import type { CaptureAction } from '../../config/index.ts'
import { textOf, toStr } from '../../sample/index.ts'
import { Flow } from '../plan/flow.ts'
import type { RuleAction } from '../plan/rule.ts'
import type { ActionCompilers, ActionContext } from './context.ts'

function compile(action: CaptureAction, context: ActionContext): RuleAction | undefined {
  const { side, slot, expression } = action
  const evaluate = context.expression(expression)
  if (evaluate === undefined) return undefined
  return {
    type: 'capture',
    run(stream) {
      const value = evaluate(stream)
      const text = value === undefined ? undefined : toStr(value)
      if (text !== undefined) stream.capture(side, slot, textOf(text))
      return Flow.Next
    },
  }
}

/** The only one. */
export const captureCompilers: ActionCompilers<CaptureAction> = { capture: compile }
