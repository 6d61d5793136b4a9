/** What `http-check` was compiled to. */
import type { HttpCheckRound, HttpExpect } from '../../config/index.ts'
import type { Stream } from '../../sample/stream.ts'

/** A request of a health check, as it is sent. */
export interface CheckRequest {
  readonly method: string
  readonly uri: string
  readonly version: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

/** `http-check expect`, with its regular expression compiled. */
export type CheckExpect =
  | Exclude<HttpExpect, { kind: 'rstatus' | 'rstring' }>
  | { readonly kind: 'rstatus' | 'rstring'; readonly negated: boolean; readonly pattern: RegExp }

/** One round: what is asked is made for each check. */
export interface CheckRoundPlan {
  readonly model: HttpCheckRound
  readonly expects: readonly CheckExpect[]
  readonly request: (stream: Stream) => CheckRequest
}

/** One round after the other, as `http-check connect` begins them. */
export type HttpCheckPlan = readonly [CheckRoundPlan, ...CheckRoundPlan[]]
