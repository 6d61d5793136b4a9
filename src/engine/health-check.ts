/** A health check as HAProxy's `option spop-check` does it. */
import type { EngineError } from './errors.ts'

/** What a health check found. */
export interface HealthReport {
  readonly server: string
  readonly healthy: boolean
  /** What was wrong; undefined when healthy. */
  readonly error: EngineError | undefined
  /** Milliseconds from connecting to the answer or the failure. */
  readonly duration: number
  /** What the agent announced, when it answered. */
  readonly maxFrameSize: number | undefined
  readonly capabilities: readonly string[]
}
