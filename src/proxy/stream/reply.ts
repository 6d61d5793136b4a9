/** Answers that the proxy gives itself: error pages, `return`, `deny`, `redirect`. */
import { HeaderList } from '../../http1/index.ts'
import { errorPage, pageHeaders } from './error-page.ts'
import type { ErrorReply, ProxyPlan } from '../plan/plan.ts'
import type { SampleNamed, Stream } from '../../sample/stream.ts'

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
  /** What the log shows, when that is not `status`: an error page may have another than that of the error. */
  readonly logged?: number
}

/** Where a stream's error pages are looked up. */
export interface ErrorPlaces extends Stream {
  readonly chosenBackend: { readonly plan: ProxyPlan } | undefined
  readonly frontend: SampleNamed & { readonly plan: ProxyPlan }
}

/** The page of an error: that of the backend, then of the frontend, then HAProxy's own. */
export function errorReply(status: number, stream: ErrorPlaces): StreamReply {
  for (const plan of [stream.chosenBackend?.plan, stream.frontend.plan]) {
    const page = plan?.errorReplies.get(status)
    if (page !== undefined) return sendable(page.build?.(stream) ?? page, status)
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

/** A page with headers of its own, which rules may change. */
export function sendable(page: ErrorReply, logged: number): StreamReply {
  return { ...page, headers: page.headers.clone(), close: false, logged }
}
