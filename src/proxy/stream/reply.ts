/** Answers that the proxy gives itself: error pages, `return`, `deny`, `redirect`. */
import { errorPage, pageHeaders } from './error-page.ts'
import type { ResponseHead } from '../../http1/index.ts'
import { copyPage, sendable } from '../plan/reply.ts'
import type { StreamReply } from '../plan/reply.ts'
import type { Stream } from '../../sample/stream.ts'
import type { ProxyPlan } from '../plan/plan.ts'

/** The page of an error: that of the backend, then of the frontend, then HAProxy's own. */
export function errorReply(
  status: number,
  stream: Stream,
  ...plans: readonly (ProxyPlan | undefined)[]
): StreamReply {
  for (const plan of plans) {
    const page = plan?.errorReplies.get(status)
    if (page !== undefined) return sendable(page.build?.(stream) ?? copyPage(page), status)
  }
  const page = errorPage(status)
  return {
    status,
    reason: page.reason,
    headers: pageHeaders(page.body.length),
    body: page.body,
    close: page.close,
    // HAProxy counts the `connection: close` of the page, and sends one of its own.
    uncounted: page.close ? 'connectionclose'.length : 0,
  }
}

/** The head of an answer, for the rules of http-after-response to change. */
export function replyHead({ status, reason, headers, body, minor, framing }: StreamReply): ResponseHead {
  return {
    minor: minor ?? 1,
    status,
    reason,
    headers,
    framing: framing ?? body.length,
    connection: 0,
    upgrade: undefined,
  }
}
