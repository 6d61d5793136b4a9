/**
 * The engine: HAProxy's end of SPOP as a library. It keeps connections to agents, sends them messages, and answers
 * with actions or a status code.
 *
 * @example
 * ```ts
 * import { createEngine } from 'sluice/engine'
 *
 * const engine = createEngine({ servers: ['127.0.0.1:12345'] })
 * const outcome = await engine.send({ messages: [{ name: 'check', args: [['path', '/']] }], timeout: 500 })
 * if (outcome.error === undefined) console.log(outcome.actions)
 * else console.log(outcome.status, outcome.error.message)
 * await engine.close()
 * ```
 * @module
 */
export type { PlainAlgorithm } from '../net/balance/create.ts'
export { IpAddress } from '../net/ip-address.ts'
export type { Action, Scope } from '../spop/ack.ts'
export { EncodedMessages } from '../spop/encoded-messages.ts'
export type { MessageInput, NotifyInput } from '../spop/notify.ts'
export { StringData, type TypedData, type Value } from '../spop/typed-data.ts'
export type { WhenDown } from './downtime.ts'
export { createEngine, type Engine } from './engine.ts'
export { EngineError, engineFaults, type EngineErrorCode } from './errors.ts'
export type { HealthReport } from './health-check.ts'
export type { AgentFault, EngineCapability, EngineOptions, TurnSharing, WhenLost } from './options.ts'
export type { TracingApi, TracingOptions, TracingSpan, TracingTracer } from '../base/tracing.ts'
export { ErrorStatus, type Failure, type Outcome, type OutcomeTimes, type Success } from './outcome.ts'
export { profileNames, type EngineStream, type ProfileName } from './profile.ts'
export type { ExchangeRecorder } from './recorder.ts'
export type { EngineRequest, ExchangeCallback, PendingExchange } from './request.ts'
export type { Acceptor } from '../net/memory-socket.ts'
export type { ConnectTo, RemoteEndpoint, Transport } from './socket.ts'
export type { AgentServer, AgentServerOptions, AgentSource, ServerInput, ServerList } from './source.ts'
export { createServerList } from './source.ts'
export type { EngineStats, ServerStats } from './stats.ts'
export type { ServerTrust } from './trust.ts'
export type { EngineTls } from './tls.ts'
export type { Variables } from './variables.ts'
