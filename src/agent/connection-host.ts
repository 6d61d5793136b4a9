import type { Capability } from '../spop/negotiation.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { LimitedLog } from './limited-log.ts'
import type { AgentMetrics } from './metrics.ts'
import type { ResolvedAgentOptions } from './options.ts'
import type { OutboxSettings } from './outbox.ts'
import type { Tracer } from './trace.ts'

/** What a connection needs from its agent, which knows connections as `C`. */
export interface ConnectionHost<C> {
  readonly options: ResolvedAgentOptions
  readonly capabilities: readonly Capability[]
  readonly dispatcher: Dispatcher
  readonly metrics: AgentMetrics
  readonly log: LimitedLog
  readonly outboxes: OutboxSettings
  readonly tracer: Tracer
  /** Whether a health check succeeds now. */
  isReady(): boolean
  /** Another open connection of the same engine, for `async`. */
  findSibling(connection: C): C | undefined
  onClose(connection: C): void
}
