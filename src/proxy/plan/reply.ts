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
  /** Something of the stream is in it (`http-error` with a format): made anew for each. */
  readonly build?: (stream: Stream) => ErrorReply | undefined
}

/** A page with headers of its own, which rules may change. */
export function sendable(page: ErrorReply, logged: number): StreamReply {
  return { ...page, headers: page.headers.clone(), close: false, logged }
}
