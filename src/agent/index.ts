/**
 * Agents for HAProxy's SPOE: listen, get asked about live traffic, answer with variables.
 *
 * @example
 * ```ts
 * import { createAgent } from 'sluice/agent'
 *
 * const agent = createAgent({ deadline: 50 })
 * agent.message('check-user', { user: 'string', admin: 'boolean?' }, async ({ user, admin }, actions, { signal }) => {
 *   const response = await fetch(`http://127.0.0.1:9000/users/${encodeURIComponent(user)}`, { signal })
 *   actions.setVar('txn', 'known', response.ok && admin !== true)
 * })
 * await agent.listen('unix@/run/check-user.sock', { mode: 0o660 })
 * ```
 * @module
 */
export { Agent, createAgent } from './agent.ts'
export type { Actions } from './actions.ts'
export type { ArgumentsOf, ArgumentSpec, ArgumentType, Schema } from './arguments/types.ts'
export { AgentCluster, createAgentCluster, type AgentClusterOptions } from './cluster.ts'
export type { ClusterStatusOptions } from './cluster-status.ts'
export { joinCluster } from './cluster-worker.ts'
export { Context, type ConnectionInfo } from './context.ts'
export { CorrelationStore, type CorrelationStats, type CorrelationStoreOptions } from './correlation-store.ts'
export { AgentError, agentFaults, type AgentErrorCode } from './errors.ts'
export type {
  Answered,
  Handler,
  MessageHandler,
  MessageOptions,
  MessageOutcome,
  Middleware,
} from './handlers.ts'
export { decodeHeadersBin, type HeadersBinLimits } from './headers-bin.ts'
export type { ListenerOptions } from './listener.ts'
export { latencyBounds } from './metrics.ts'
export type { AgentOptions, Fallback, FallbackReason } from './options.ts'
export { createOffload, Offload, type OffloadOptions } from './offload.ts'
export { defineOffload, type OffloadHandler, type OffloadModule } from './offload-module.ts'
export { formatPrometheus } from './prometheus.ts'
export type { AgentStats, MessageStats } from './stats.ts'
export type { StatusBoard, Check, SourceReading, StatusOptions, StatusPort } from '../status/index.ts'
export { notifySystemd, type SystemdOptions } from './systemd.ts'
export type { TracingApi, TracingOptions, TracingSpan, TracingTracer } from '../base/tracing.ts'
export type { TraceEvent, TraceListener } from './trace.ts'
export { IpAddress } from '../net/ip-address.ts'
export { CidrMap } from '../net/cidr-map.ts'
export { Message } from '../spop/notify.ts'
export type { Scope } from '../spop/ack.ts'
export type { StringData, TypedData, Value } from '../spop/typed-data.ts'
