/** How a conformance check says what it found. */

/** MUST: HAProxy, the specification or plain safety needs it. SHOULD: it works without, and worse. */
export type CheckLevel = 'must' | 'should'

/** The agent did otherwise. */
export class CheckFailed extends Error {
  readonly expected: string
  readonly got: string
  /** When it weighs less than the check as a whole. */
  readonly level: CheckLevel | undefined
  /** The bytes of the connection that it was seen on. */
  readonly transcript: readonly string[]

  constructor(expected: string, got: string, transcript: readonly string[], level?: CheckLevel) {
    super(`wanted ${expected}, got ${got}`)
    this.expected = expected
    this.got = got
    this.transcript = transcript
    this.level = level
  }
}

/** It cannot be seen with this agent, or from outside at all. */
export class CheckSkipped extends Error {}
