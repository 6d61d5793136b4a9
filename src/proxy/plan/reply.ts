/** An answer that the proxy gives itself: an error page, `return`, `deny`, `redirect`. */
import type { HeaderList } from '../../http1/index.ts'

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
}

/** A reply that was read from an `errorfile`. */
export interface ErrorReply {
  readonly status: number
  readonly reason: string
  readonly headers: HeaderList
  readonly body: Buffer
  /** The file is empty: the connection is closed without a word. */
  readonly silent: boolean
}
