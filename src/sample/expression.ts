/** Sample expressions: a fetch, and converters behind it (configuration.txt 7.3). */
import type { Evaluate, Some } from './evaluation.ts'
import type { SampleSource } from './checkpoint.ts'
import type { Stream } from './stream.ts'
import type { SampleType } from './value.ts'

/** A compiled expression. */
export interface Expression {
  /** As it was written. */
  readonly text: string
  /** The name of the fetch. */
  readonly fetch: string
  /** The declared type of the result; values know theirs better. */
  readonly type: SampleType
  /** Any one of these must be available. */
  readonly needs: readonly SampleSource[]
  /** Whether more data could change the sample of the stream as it is. Asked only while `stream.final` is false. */
  readonly mayChange: (stream: Stream) => boolean
  /**
   * Whether asking twice, with nothing between, gives the same: neither chance nor the clock, and no converter, which might set a
   * variable.
   */
  readonly stable: boolean
  /** The sample; undefined when there is none, or a converter failed. */
  readonly evaluate: Evaluate
  /**
   * Whether `test` accepts one of the samples: fetches of headers, cookies and parameters have several, of which
   * {@link evaluate} gives one. Stops at the first that a converter fails on, as HAProxy does.
   */
  readonly some: Some
}
