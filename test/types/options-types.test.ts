/** Whoever compiles with `exactOptionalPropertyTypes` may hand on an option that may be undefined: it counts as not given. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import type {
  AgentClusterOptions,
  AgentOptions,
  CorrelationStoreOptions,
  HeadersBinLimits,
  ListenerOptions,
  MessageOptions,
  OffloadOptions,
  StatusOptions,
  SystemdOptions,
} from 'sluice/agent'
import type { AgentServerOptions, EngineOptions, EngineRequest } from 'sluice/engine'
import type {
  FcgiAppOptions,
  FcgiClientOptions,
  FcgiReply,
  FcgiRequestInit,
  FcgiResponderOptions,
  PhpFpmOptions,
  ServeFcgiOptions,
} from 'sluice/fcgi'
import type { LoadOptions, ProxyOptions } from 'sluice/proxy'
import type { RecorderOptions, ReplayOptions } from 'sluice/recording'
import type {
  ConformanceOptions,
  DriverOptions,
  DriverSettings,
  ReplayOptions as CaptureOptions,
  ScriptedPeerOptions,
} from 'sluice/testing'
import type { Logger } from 'sluice'

/** The optional members of `Options` that do not take undefined. */
type Exact<Options> = {
  [Key in keyof Options]-?: object extends Pick<Options, Key>
    ? undefined extends Required<Options>[Key]
      ? never
      : Key
    : never
}[keyof Options]

it('every optional member takes undefined', () => {
  const exact: [
    Exact<AgentClusterOptions>,
    Exact<AgentOptions>,
    Exact<CorrelationStoreOptions>,
    Exact<HeadersBinLimits>,
    Exact<ListenerOptions>,
    Exact<MessageOptions>,
    Exact<OffloadOptions>,
    Exact<StatusOptions>,
    Exact<SystemdOptions>,
    Exact<AgentServerOptions>,
    Exact<EngineOptions>,
    Exact<EngineRequest>,
    Exact<FcgiAppOptions>,
    Exact<FcgiClientOptions>,
    Exact<FcgiReply>,
    Exact<FcgiRequestInit>,
    Exact<FcgiResponderOptions>,
    Exact<PhpFpmOptions>,
    Exact<ServeFcgiOptions>,
    Exact<LoadOptions>,
    Exact<ProxyOptions>,
    Exact<RecorderOptions>,
    Exact<ReplayOptions>,
    Exact<ConformanceOptions>,
    Exact<DriverOptions>,
    Exact<DriverSettings>,
    Exact<CaptureOptions>,
    Exact<ScriptedPeerOptions>,
  ][number][] = []
  const none: readonly never[] = exact
  assert.deepEqual(none, [])
})

it('a logger may be false, or undefined, wherever there is one', () => {
  type Same<Left, Right> = [Left, Right] extends [Right, Left] ? true : false
  type Logs<Options extends { logger?: unknown }> = Same<
    Required<Options>['logger'],
    Logger | false | undefined
  >
  const same: [
    Logs<AgentOptions>,
    Logs<AgentClusterOptions>,
    Logs<OffloadOptions>,
    Logs<SystemdOptions>,
    Logs<EngineOptions>,
    Logs<FcgiClientOptions>,
    Logs<FcgiResponderOptions>,
    Logs<ProxyOptions>,
    Logs<RecorderOptions>,
  ] = [true, true, true, true, true, true, true, true, true]
  assert.ok(same.every(Boolean))
})
