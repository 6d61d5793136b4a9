/** What `http-check` was compiled to. */
import type { HttpCheckRound } from '../../config/index.ts'
import type { Stream } from '../../sample/stream.ts'

/** A request of a health check, as it is sent. */
export interface CheckRequest {
  readonly method: string
  readonly uri: string
  readonly version: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

/** One round: what is asked is made for each check. */
export interface CheckRoundPlan {
  readonly model: HttpCheckRound
  readonly request: (stream: Stream) => CheckRequest
}

/** One round after the other, as `http-check connect` begins them. */
export type HttpCheckPlan = readonly [CheckRoundPlan, ...CheckRoundPlan[]]
