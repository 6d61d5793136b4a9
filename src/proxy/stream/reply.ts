/** Answers that the proxy gives itself: error pages, `return`, `deny`, `redirect`. */
import { HeaderList } from '../../http1/index.ts'
import { errorPage, pageHeaders } from './error-page.ts'
import type { ProxyPlan } from '../plan/plan.ts'

/** One answer. The headers belong to the stream from then on. */
export interface StreamReply {
  readonly status: number
  readonly reason: string
  readonly headers: HeaderList
  readonly body: Buffer
  /** Whether the connection ends with it. */
  readonly close: boolean
  /** Nothing is sent, and the connection is closed. */
  readonly silent?: boolean
}

/** The page of an error: the `errorfile` of the backend, then of the frontend, then HAProxy's own. */
export function errorReply(status: number, ...plans: readonly (ProxyPlan | undefined)[]): StreamReply {
  for (const plan of plans) {
    const file = plan?.errorReplies.get(status)
    if (file !== undefined) return { ...file, headers: file.headers.clone(), close: false }
  }
  const page = errorPage(status)
  return {
    status,
    reason: page.reason,
    headers: pageHeaders(page.body.length),
    body: page.body,
    close: page.close,
  }
}
