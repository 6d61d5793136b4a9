/** An answer that the proxy gives itself: an error page, `return`, `deny`, `redirect`. */
import type { HeaderList } from '../../http1/index.ts'
import type { Stream } from '../../sample/stream.ts'

/** The headers belong to the stream from then on. */
export interface StreamReply {
  readonly status: number
  readonly reason: string
  readonly headers: HeaderList
  readonly body: Buffer
  /** Whether the connection ends with it. */
  readonly close: boolean
  /** Bytes that `%B` counts beside those that are here. */
  readonly uncounted?: number
  /** Nothing is sent, and the connection is closed. */
  readonly silent?: boolean
  /** What the log shows, when that is not `status`: an error page may have another than that of the error. */
  readonly logged?: number
}

/** What is answered in place of an error page. */
export interface ErrorReply {
  readonly status: number
  readonly reason: string
  readonly headers: HeaderList
  readonly body: Buffer
  /** The file is empty: the connection is closed without a word. */
  readonly silent: boolean
  /** Something of the stream is in it (`http-error` with a format): made anew for each, who may keep it. */
  readonly build?: (stream: Stream) => ErrorReply | undefined
}

/** A page that many streams share, for one of them: rules may change its headers. */
export function copyPage(page: ErrorReply): ErrorReply {
  return { ...page, headers: page.headers.clone() }
}

/**
 * A page of one stream's own, on its way out. Field by field: this is made for every request that a rule answers, and a
 * spread is several times as dear.
 */
export function sendable({ status, reason, headers, body, silent }: ErrorReply, logged: number): StreamReply {
  return { status, reason, headers, body, close: false, silent, logged }
}
