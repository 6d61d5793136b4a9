/** `set-status`. */
import type { StatusAction } from '../../config/index.ts'
import { isHeaderValue } from '../../http1/index.ts'
import { Flow } from '../plan/flow.ts'
import type { RuleAction } from '../plan/rule.ts'
import { haproxyReason } from '../wire/reason.ts'
import type { ActionCompilers, ActionContext } from './context.ts'

/** Changes the status of the response, and its reason to the usual one unless another is given. */
export function setStatus(status: number, reason: string | undefined): RuleAction {
  return {
    type: 'set-status',
    run(stream) {
      const head = stream.responseHead
      if (head === undefined) return Flow.Next
      head.status = status
      head.reason = reason ?? haproxyReason(status)
      return Flow.Next
    },
  }
}

function compile({ status, reason }: StatusAction, context: ActionContext): RuleAction | undefined {
  if (reason !== undefined && !isHeaderValue(reason.text)) {
    context.error(reason.place, 'the reason has a character that cannot be sent')
    return undefined
  }
  return setStatus(status, reason?.text)
}

/** The only one. */
export const statusCompilers: ActionCompilers<StatusAction> = { 'set-status': compile }
