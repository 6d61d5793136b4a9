/**
 * SPOP, the wire protocol between HAProxy and its agents, without any I/O: frames from and to bytes, the handshake,
 * fragments, and the states of both ends (SPOE.txt section 3).
 *
 * @example
 * ```ts
 * import { decodeFrame } from 'sluice/spop'
 *
 * const frame = decodeFrame(Buffer.from('0000000c670000000101010202020178', 'hex'))
 * if (frame.type === 'ack') console.log(frame.streamId, frame.actions)
 * ```
 * @module
 */
export { Reader } from '../bytes/reader.ts'
export { Writer } from '../bytes/writer.ts'
export { FrameSplitter, type Framing } from '../bytes/frame-splitter.ts'
export { IpAddress } from '../net/ip-address.ts'
export {
  ActionType,
  decodeActions,
  encodeAck,
  encodeSetVar,
  encodeUnsetVar,
  ScopeCode,
  scopes,
  type AckFrame,
  type Action,
  type ActionInput,
  type Scope,
} from './ack.ts'
export { EncodedMessages } from './encoded-messages.ts'
export { decodeDisconnect, encodeDisconnect, type DisconnectFrame } from './disconnect.ts'
export { SpopError, spopFaults, StatusCode, statusText, type SpopErrorCode } from './errors.ts'
export {
  encodeNotifyFragments,
  FragmentAssembler,
  type FragmentOutcome,
  type UnsetFrame,
} from './fragments.ts'
export { decodeFrame, encodeFrame, type Frame, type UnknownFrame } from './frame.ts'
export {
  createReader,
  defaultMaxFrameSize,
  FrameFlag,
  FrameHead,
  FrameType,
  leastMaxFrameSize,
  SpopFraming,
  type Id,
} from './frame-head.ts'
export {
  decodeAgentHello,
  decodeHaproxyHello,
  encodeAgentHello,
  encodeHaproxyHello,
  type AgentHelloFrame,
  type HaproxyHelloFrame,
} from './hello.ts'
export type { Item } from './kv-list.ts'
export {
  acceptAgentHello,
  acceptHaproxyHello,
  parseList,
  spopVersion,
  type Agreement,
  type Capability,
  type Offer,
} from './negotiation.ts'
export {
  decodeMessages,
  encodeMessages,
  encodeNotify,
  Message,
  type MessageInput,
  type NotifyFrame,
  type NotifyInput,
} from './notify.ts'
export {
  decodeTypedData,
  encodeTypedData,
  encodeValue,
  readFrameHead,
  readVarint,
  readVarint64,
  writeVarint,
} from './primitives.ts'
export {
  agentTransitions,
  engineTransitions,
  stepAgent,
  stepEngine,
  type AgentEvent,
  type AgentState,
  type EngineEvent,
  type EngineState,
} from './state.ts'
export {
  DataType,
  StringData,
  toTypedData,
  type IntegerData,
  type TypedData,
  type Value,
} from './typed-data.ts'
