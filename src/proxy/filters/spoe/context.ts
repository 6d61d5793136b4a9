/** What a SPOE filter remembers of one stream. */
import type { EngineStream } from '../../../engine/index.ts'

/** Kept by the stream, for the filter alone. */
export class SpoeContext {
  /** An error has ended the filter's work for this stream. */
  disabled = false
  /** Milliseconds spent in all exchanges. */
  total = 0
  /** Gives the exchanges of a stream one id. */
  stream: EngineStream | undefined
}
