/** An answer that the proxy gives itself: an error page, `return`, `deny`, `redirect`. */
import type { Framing, HeaderList } from '../../http1/index.ts'
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
  /** Of a file. @default 1 */
  readonly minor?: 0 | 1
  /** Of a file. @default the length of the body */
  readonly framing?: Framing
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
  /** What an `errorfile` says for itself; without it the answer is HTTP/1.1, has a length and leaves the connection open. */
  readonly file?: FileWords
  /** Something of the stream is in it (`http-error` with a format): made anew for each, who may keep it. */
  readonly build?: (stream: Stream) => ErrorReply | undefined
}

/** HAProxy sends a file in its own version, and one without a length ends with the connection. */
export interface FileWords {
  readonly minor: 0 | 1
  readonly framing: Framing
  readonly close: boolean
  /** As of {@link StreamReply}. */
  readonly uncounted: number
}

/** A page that many streams share, for one of them: rules may change its headers. */
export function copyPage(page: ErrorReply): ErrorReply {
  return { ...page, headers: page.headers.clone() }
}

/**
 * A page of one stream's own, on its way out. Field by field: this is made for every request that a rule answers, and a
 * spread is several times as dear.
 */
export function sendable(page: ErrorReply, logged: number): StreamReply {
  const { status, reason, headers, body, silent, file } = page
  if (file !== undefined) return { status, reason, headers, body, silent, logged, ...file }
  return { status, reason, headers, body, close: false, silent, logged }
}
