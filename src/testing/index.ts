/**
 * Tools for testing agents: drive handlers without a socket, play HAProxy by a script, replay recorded traffic, and check
 * an agent in any language for conformance. See docs/testing-your-agent.md.
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict'
 * import { createAgent } from 'sluice/agent'
 * import { createDriver, variablesOf } from 'sluice/testing'
 *
 * const agent = createAgent()
 * agent.message('check-user', { user: 'string' }, ({ user }, actions) => {
 *   actions.setVar('txn', 'known', user === 'alice')
 * })
 * const driver = createDriver(agent)
 * const actions = await driver.notify('check-user', { user: 'alice' })
 * assert.equal(variablesOf(actions).get('txn.known'), true)
 * await driver.close()
 * ```
 * @module
 */
export { IpAddress } from '../net/ip-address.ts'
export { parseCapture, type CapturedConnection, type CaptureStep } from './capture.ts'
export { checklist } from './conformance/checklist.ts'
export type { CheckPoint } from './conformance/check.ts'
export type { CheckLevel } from './conformance/verdict.ts'
export {
  runConformance,
  type ConformanceOptions,
  type ConformanceReport,
  type ConformanceResult,
} from './conformance/run.ts'
export {
  createDriver,
  Driver,
  type DriverArguments,
  type DriverOptions,
  type DriverSettings,
} from './driver.ts'
export { TestingError, testingFaults, type TestingErrorCode } from './errors.ts'
export {
  haproxyDisconnectBytes,
  haproxyHeadersBytes,
  haproxyHelloBytes,
  healthCheckBytes,
  type HelloParts,
} from './haproxy-bytes.ts'
export { createSocketPair, MemorySocket, type Acceptor } from '../net/memory-socket.ts'
export { createPair, type Pair } from './pair.ts'
export type { PeerAgreement } from './peer-judge.ts'
export { peerVersions, type PeerVersion } from './peer-manners.ts'
export {
  replayCapture,
  type Cutting,
  type ReplayedConnection,
  type ReplayOptions,
  type ReplayReport,
} from './replay.ts'
export type { NotifyIds } from './peer-notify.ts'
export {
  parseHex,
  type NotifySettings,
  type PeerAck,
  type PeerEnd,
  type ScriptedPeerOptions,
} from './peer-options.ts'
export { createScriptedPeer, ScriptedPeer } from './scripted-peer.ts'
export type { Connect, ConnectOptions, Target } from './target.ts'
export { variablesOf, type PlainValue } from './variables.ts'
export { formatReceived, type ReceivedFrame, type WireLogEntry } from './wire.ts'
