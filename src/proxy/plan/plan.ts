/** What the configuration was compiled to: the model beside closures that need no names any more. */
import type {
  Place,
  Proxy as ProxyModel,
  Server as ServerModel,
  Global,
  LogTarget,
} from '../../config/index.ts'
import type { Cidr } from '../../cidr-map.ts'
import type { HeaderList } from '../../http1/index.ts'
import type { Stream } from '../../sample/stream.ts'
import type { VariableNames } from '../../sample/variables.ts'
import type { FcgiPlan } from './fcgi.ts'
import type { SpoePlan } from './spoe.ts'
import type { Flow } from '../stream/flow.ts'
import type { ProxyStream } from '../stream/stream.ts'

/** A log format or the like: text, one character per byte. */
export type Format = (stream: Stream) => string

/** What a rule does. */
export interface RuleAction {
  /** As in the configuration, for logs and `sluice check`. */
  readonly type: string
  run(stream: ProxyStream): Flow
}

/** One rule. */
export interface RulePlan {
  readonly place: Place
  /** Undefined: always. 0 is no, 1 not yet known (only while `stream.final` is false), 2 yes. */
  readonly condition: ((stream: Stream) => 0 | 1 | 2) | undefined
  readonly action: RuleAction
}

/** Where a stream goes. */
export interface SwitchPlan {
  readonly condition: ((stream: Stream) => boolean) | undefined
  /** The name of a backend, known or to be found out. */
  readonly backend: ProxyPlan | Format
}

/** What is answered in place of an error page. */
export interface ErrorReply {
  readonly status: number
  readonly reason: string
  readonly headers: HeaderList
  readonly body: Buffer
  /** The file is empty: the connection is closed without a word. */
  readonly silent: boolean
  /** Something of the stream is in it (`http-error` with a format): made anew for each. */
  readonly build?: (stream: Stream) => ErrorReply | undefined
}

/** The rule sets of a section. */
export interface RulePlans {
  readonly connection: readonly RulePlan[]
  readonly session: readonly RulePlan[]
  readonly requestContent: readonly RulePlan[]
  readonly httpRequest: readonly RulePlan[]
  readonly responseContent: readonly RulePlan[]
  readonly httpResponse: readonly RulePlan[]
  readonly httpAfterResponse: readonly RulePlan[]
}

/** A frontend, a backend, or both. */
export interface ProxyPlan {
  readonly model: ProxyModel
  readonly id: number
  readonly rules: RulePlans
  readonly switches: SwitchPlan[]
  defaultBackend: ProxyPlan | undefined
  readonly filters: SpoePlan[]
  readonly fcgi: FcgiPlan | undefined
  readonly servers: readonly ServerPlan[]
  readonly uniqueId: Format | undefined
  readonly forwardExcept: Cidr | undefined
  readonly errorReplies: ReadonlyMap<number, ErrorReply>
  /** `global` targets are replaced by those of the global section. */
  readonly logTargets: readonly Extract<LogTarget, { kind: 'target' }>[]
  readonly logFormat: Format | undefined
  /** The structured data of RFC 5424 lines. */
  readonly logFormatSd: Format | undefined
  readonly logTag: string
}

/** A server. */
export interface ServerPlan {
  readonly model: ServerModel
  readonly id: number
}

/** A configuration that can be run, see `loadProxy`. */
export interface Plan {
  readonly global: Global
  readonly proxies: readonly ProxyPlan[]
  /** All variables that the configuration mentions. */
  readonly variableNames: VariableNames
  readonly hostname: string
}
