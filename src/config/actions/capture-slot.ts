/** What `capture`, `declare capture` and `capture` rules fill and `%hr`, `%hs` show. */
import type { Word } from '../text/word.ts'

/** One slot. A stream has as many as its frontend declares, in the order of the file. */
export interface CaptureSlot {
  /** The header whose value is taken by itself; undefined: rules fill the slot. */
  readonly header: Word | undefined
  /** Bytes; what is longer is cut. */
  readonly length: number
}
