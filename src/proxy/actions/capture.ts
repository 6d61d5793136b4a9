/** `capture`: a sample for a slot of the frontend. */
import type { CaptureAction } from '../../config/index.ts'
import { textOf, toStr } from '../../sample/index.ts'
import { Flow } from '../stream/flow.ts'
import type { RuleAction } from '../plan/plan.ts'
import type { ProxyStream } from '../stream/stream.ts'
import type { ActionCompilers, ActionContext } from './context.ts'

/** Puts text into a slot of the stream's frontend; one that it does not have is not there. */
export function captureText(
  stream: ProxyStream,
  side: 'request' | 'response',
  slot: number,
  text: string,
): void {
  const slots = stream.frontend.plan.model.captures[side]
  const length = slots[slot]?.length
  if (length === undefined) return
  const key = side === 'request' ? 'capturedRequest' : 'capturedResponse'
  const captured = (stream[key] ??= slots.map(() => undefined))
  captured[slot] = text.slice(0, length)
}

function compile(action: CaptureAction, context: ActionContext): RuleAction | undefined {
  const { side, slot, expression } = action
  const evaluate = context.expression(expression)
  if (evaluate === undefined) return undefined
  return {
    type: 'capture',
    run(stream) {
      const value = evaluate(stream)
      const text = value === undefined ? undefined : toStr(value)
      if (text !== undefined) captureText(stream, side, slot, textOf(text))
      return Flow.Next
    },
  }
}

/** The only one. */
export const captureCompilers: ActionCompilers<CaptureAction> = { capture: compile }
