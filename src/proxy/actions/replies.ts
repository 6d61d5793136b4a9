/** `return`, `deny` and `tarpit`: answers of the proxy's own. */
import type { ReplyAction } from '../../config/index.ts'
import { sendable } from '../plan/reply.ts'
import type { StreamReply } from '../plan/reply.ts'
import type { RuleAction, RuleStream } from '../plan/rule.ts'
import { Flow } from '../plan/flow.ts'
import type { ActionCompilers } from './context.ts'
import { compileReply } from './reply-plan.ts'
import type { ReplyPlan } from './reply-plan.ts'

function buildReply(plan: ReplyPlan, stream: RuleStream): StreamReply {
  const page = plan.build(stream)
  return page === undefined ? stream.errorPage(plan.status) : sendable(page, plan.status)
}

/** Answers with what the rule says; in the log it counts as an answer of the proxy's own. */
function returnReply(plan: ReplyPlan): RuleAction {
  return {
    type: 'return',
    run: (stream) => stream.reply(buildReply(plan, stream), 'L'),
  }
}

/** As `return`; in the log it counts as an error of the proxy's making. */
export function deny(plan: ReplyPlan): RuleAction {
  return {
    type: 'deny',
    run: (stream) => stream.reply(buildReply(plan, stream), 'P'),
  }
}

/** As `deny`, but the client is kept waiting; a client that leaves meanwhile ends the wait. */
export function tarpit(plan: ReplyPlan): RuleAction {
  return {
    type: 'tarpit',
    run(stream) {
      const delay = stream.beginTarpit()
      const timer = setTimeout(() => stream.reply(buildReply(plan, stream), 'P'), delay)
      stream.wait(() => clearTimeout(timer))
      return Flow.Wait
    },
  }
}

/** All of them. */
export const replyCompilers: ActionCompilers<ReplyAction> = {
  deny: ({ reply }, context) => deny(compileReply(reply, context)),
  tarpit: ({ reply }, context) => tarpit(compileReply(reply, context)),
  return: ({ reply }, context) => returnReply(compileReply(reply, context)),
}
