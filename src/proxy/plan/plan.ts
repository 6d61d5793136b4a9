/** What the configuration was compiled to: the model beside closures that need no names any more. */
import type { Proxy as ProxyModel, Server as ServerModel, Global } from '../../config/index.ts'
import type { Cidr } from '../../net/cidr-map.ts'
import type { Acceptor } from '../../net/memory-socket.ts'
import type { Stream } from '../../sample/stream.ts'
import type { VariableNames } from '../../sample/variables.ts'
import type { FcgiPlan } from './fcgi.ts'
import type { HttpCheckPlan } from './health-check.ts'
import type { LogDestination } from './log.ts'
import type { ErrorReply } from './reply.ts'
import type { Format, RulePlans } from './rule.ts'
import type { SpoePlan } from './spoe.ts'
import type { TimeoutPlan } from './timeouts.ts'

/** Where a stream goes. */
export interface SwitchPlan {
  readonly condition: ((stream: Stream) => boolean) | undefined
  /** The name of a backend, known or to be found out. */
  readonly backend: ProxyPlan | Format
}

/** A frontend, a backend, or both. */
export interface ProxyPlan {
  readonly model: ProxyModel
  readonly id: number
  readonly timeouts: TimeoutPlan
  readonly rules: RulePlans
  readonly switches: SwitchPlan[]
  defaultBackend: ProxyPlan | undefined
  readonly filters: SpoePlan[]
  readonly fcgi: FcgiPlan | undefined
  /** Undefined unless `option httpchk` asks. */
  readonly httpCheck: HttpCheckPlan | undefined
  readonly servers: readonly ServerPlan[]
  readonly uniqueId: Format | undefined
  readonly forwardExcept: Cidr | undefined
  readonly errorReplies: ReadonlyMap<number, ErrorReply>
  /** `global` targets are replaced by those of the global section. */
  readonly logTargets: readonly LogDestination[]
  readonly logFormat: Format | undefined
  /** The structured data of RFC 5424 lines. */
  readonly logFormatSd: Format | undefined
  readonly logTag: string
}

/** A server. */
export interface ServerPlan {
  readonly model: ServerModel
  readonly id: number
  /** The agent in the same process that its address names. */
  readonly agent: Acceptor | undefined
}

/** A configuration that can be run; outside it is a {@link Plan}, of which nothing can be read. */
export interface InnerPlan {
  readonly global: Global
  readonly proxies: readonly ProxyPlan[]
  /** All variables that the configuration mentions. */
  readonly variableNames: VariableNames
  readonly hostname: string
}
