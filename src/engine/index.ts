/**
 * The engine: HAProxy's end of SPOP as a library. It keeps connections to agents, sends them messages, and answers
 * with actions or a status code.
 * @module
 */
export { IpAddress } from '../ip-address.ts'
export type { Action, Scope } from '../spop/ack.ts'
export type { MessageInput } from '../spop/notify.ts'
export { StringData, type TypedData, type Value } from '../spop/typed-data.ts'
export type { BreakerState } from './breaker.ts'
export {
  createEngine,
  type Engine,
  type ExchangeCallback,
  type PendingExchange,
  type Request,
} from './engine.ts'
export { EngineError, engineFaults, type EngineErrorCode } from './errors.ts'
export type { HealthReport } from './health-check.ts'
export type { AgentFault, EngineCapability, EngineOptions } from './options.ts'
export { ErrorStatus, type Failure, type Outcome, type OutcomeTimes, type Success } from './outcome.ts'
export { profileNames, type EngineStream, type ProfileName } from './profile.ts'
export type { ConnectTo, RemoteEndpoint, Transport } from './socket.ts'
export type { EngineStatistics, ServerStatistics } from './statistics.ts'
