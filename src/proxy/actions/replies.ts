/** `return`, `deny` and `tarpit`: answers of the proxy's own. */
import type { ReplyAction } from '../../config/index.ts'
import type { RuleAction } from '../plan/plan.ts'
import { Flow } from '../stream/flow.ts'
import { errorReply, sendable } from '../stream/reply.ts'
import type { StreamReply } from '../stream/reply.ts'
import type { ProxyStream } from '../stream/stream.ts'
import type { ActionCompilers } from './context.ts'
import { compileReply } from './reply-plan.ts'
import type { ReplyPlan } from './reply-plan.ts'

function buildReply(plan: ReplyPlan, stream: ProxyStream): StreamReply {
  const page = plan.build(stream)
  return page === undefined ? errorReply(plan.status, stream) : sendable(page, plan.status)
}

/** Answers with what the rule says; in the log it counts as an answer of the proxy's own. */
export function returnReply(plan: ReplyPlan): RuleAction {
  return {
    type: 'return',
    run: (stream) => stream.reply(buildReply(plan, stream), 'L'),
  }
}

/** As `return`; in the log it counts as an error of the proxy's making. */
export function deny(plan: ReplyPlan): RuleAction {
  return {
    type: 'deny',
    run(stream) {
      if (stream.direction === 'response') {
        stream.stage = 'H'
        stream.times.responded = -1
      }
      return stream.reply(buildReply(plan, stream), 'P')
    },
  }
}

/** As `deny`, but the client is kept waiting; a client that leaves meanwhile ends the wait. */
export function tarpit(plan: ReplyPlan): RuleAction {
  return {
    type: 'tarpit',
    run(stream) {
      const { tarpit, connect } = (stream.chosenBackend ?? stream.frontend).plan.model.timeouts
      stream.stage = 'T'
      const timer = setTimeout(() => stream.reply(buildReply(plan, stream), 'P'), tarpit ?? connect ?? 0)
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
