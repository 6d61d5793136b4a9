/** What an `fcgi-app` section was compiled to. */
import type { FcgiApp as FcgiAppModel } from '../../config/index.ts'
import type { FcgiApp } from '../../fcgi/index.ts'
import type { SampleFcgiApp } from '../../sample/stream.ts'
import type { Stream } from '../../sample/stream.ts'
import type { LogDestination } from './log.ts'
import type { Format } from './rule.ts'

/** `set-param` or `pass-header`. */
export interface FcgiRulePlan {
  readonly condition: ((stream: Stream) => boolean) | undefined
  readonly name: string
  /** Of `set-param`; undefined: `pass-header`. */
  readonly format: Format | undefined
}

/** The section, with its rules and its log targets compiled. */
export interface FcgiPlan {
  readonly model: FcgiAppModel
  readonly app: FcgiApp
  readonly sample: SampleFcgiApp
  readonly rules: readonly FcgiRulePlan[]
  /** Where STDERR goes; empty: nowhere. */
  readonly logTargets: readonly LogDestination[]
}
