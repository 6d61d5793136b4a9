/** `return`, `deny` and `set-status`. */
import { HeaderList } from '../../http1/index.ts'
import type { Stream } from '../../sample/stream.ts'
import { Flow } from '../plan/flow.ts'
import type { Format, RuleAction, RuleStream } from '../plan/rule.ts'
import { haproxyReason } from '../stream/reason.ts'
import type { StreamReply } from '../plan/reply.ts'
import { headerValue } from './headers.ts'

/** A compiled `HttpReply`. */
export interface ReplyPlan {
  readonly status: number
  readonly contentType: string | undefined
  /** The page of the status is sent, and what follows does not count. */
  readonly isPage: boolean
  /** Undefined: no body. */
  readonly body: ((stream: Stream) => Buffer) | undefined
  readonly headers: readonly { readonly name: string; readonly format: Format }[]
}

function buildReply(plan: ReplyPlan, stream: RuleStream): StreamReply {
  const { status, contentType, body } = plan
  if (plan.isPage) return stream.errorPage(status)
  const headers = new HeaderList()
  for (const { name, format } of plan.headers) headers.add(name, headerValue(format(stream)))
  const bytes = body?.(stream) ?? Buffer.alloc(0)
  if (status !== 204 && status !== 304) headers.add('content-length', String(bytes.length))
  if (bytes.length > 0 && contentType !== undefined) headers.add('content-type', contentType)
  return { status, reason: haproxyReason(status), headers, body: bytes, close: false }
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
    run: (stream) => stream.reply(buildReply(plan, stream), 'P'),
  }
}

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
