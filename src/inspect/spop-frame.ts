/** One frame of SPOP, taken apart as far as it goes: what it says, and what is wrong with it whatever came before. */
import { errorMessage } from '../base/errors.ts'
import type { Reader } from '../bytes/reader.ts'
import { decodeDisconnect, type DisconnectFrame } from '../spop/disconnect.ts'
import {
  createReader,
  FrameFlag,
  FrameHead,
  FrameType,
  lengthSize,
  readFrameHead,
} from '../spop/frame-head.ts'
import { decodeKvList } from '../spop/kv-list.ts'
import { decodeMessages } from '../spop/notify.ts'
import { describeActions, type VariableRules } from './actions.ts'
import type { Detail, Finding, Side } from './entry.ts'
import { maskAck, maskNotify } from './mask.ts'
import { find } from './rules.ts'
import { describeValue } from './values.ts'

/** A frame without its history. */
export interface SpopFrame {
  readonly name: string
  readonly head: FrameHead
  readonly flags: readonly string[]
  readonly payload: Buffer
  readonly details: readonly Detail[]
  readonly findings: readonly Finding[]
  readonly messages: readonly string[]
  /** Of a DISCONNECT that could be read. */
  readonly disconnect: DisconnectFrame | undefined
}

/** How frames are read. */
export interface SpopReading extends VariableRules {
  /** Whether secrets are left as they are. */
  readonly showSecrets: boolean
}

interface Kind {
  readonly name: string
  readonly from: Side
  /** Belongs to no stream: its ids are 0. */
  readonly control: boolean
}

const kinds: ReadonlyMap<number, Kind> = new Map<number, Kind>([
  [FrameType.Unset, { name: 'UNSET', from: 'client', control: false }],
  [FrameType.HaproxyHello, { name: 'HAPROXY-HELLO', from: 'client', control: true }],
  [FrameType.HaproxyDisconnect, { name: 'HAPROXY-DISCONNECT', from: 'client', control: true }],
  [FrameType.Notify, { name: 'NOTIFY', from: 'client', control: false }],
  [FrameType.AgentHello, { name: 'AGENT-HELLO', from: 'server', control: true }],
  [FrameType.AgentDisconnect, { name: 'AGENT-DISCONNECT', from: 'server', control: true }],
  [FrameType.Ack, { name: 'ACK', from: 'server', control: false }],
])

/** Who never sends what. */
function sideName(side: Side): string {
  return side === 'client' ? 'HAProxy' : 'an agent'
}

/**
 * Takes a whole frame apart, its length field included. Secrets in `bytes` are overwritten, unless they are to be shown.
 */
export function readSpopFrame(bytes: Buffer, from: Side, reading: SpopReading): SpopFrame {
  const findings: Finding[] = []
  const head = new FrameHead()
  const reader = createReader(bytes, lengthSize)
  try {
    readFrameHead(reader, head)
  } catch (error) {
    findings.push(find('frame.undecodable', errorMessage(error)))
    return broken(head, bytes.subarray(bytes.length), findings)
  }
  const kind = kinds.get(head.type)
  findings.push(...judgeHead(head, kind, from))
  const payload = bytes.subarray(reader.at)
  const base = { name: kind?.name ?? `type ${head.type}`, head, flags: flagNames(head), payload }
  return { ...base, ...readPayload(head, payload, reading, findings), findings }
}

function broken(head: FrameHead, payload: Buffer, findings: Finding[]): SpopFrame {
  const rest = { details: [], messages: [], disconnect: undefined }
  return { name: `type ${head.type}`, head, flags: [], payload, findings, ...rest }
}

function judgeHead(head: FrameHead, kind: Kind | undefined, from: Side): Finding[] {
  if (kind === undefined) return [find('frame.unknown-type', head.type)]
  const findings: Finding[] = []
  if (kind.from !== from) findings.push(find('frame.direction', kind.name, sideName(from)))
  if ((head.flags & ~(FrameFlag.Fin | FrameFlag.Abort)) !== 0) findings.push(find('frame.flags', head.flags))
  const mustBeWhole = kind.control || kind.from === 'server'
  if (mustBeWhole && !head.fin) findings.push(find('frame.no-fin', kind.name))
  const hasIds = head.streamId !== 0 || head.frameId !== 0
  if (kind.control && hasIds) findings.push(find('frame.ids', kind.name, idsOf(head)))
  return findings
}

/** Stream and frame. */
export function idsOf({ streamId, frameId }: FrameHead): string {
  return `${streamId}/${frameId}`
}

function flagNames(head: FrameHead): string[] {
  return [...(head.fin ? ['FIN'] : []), ...(head.abort ? ['ABORT'] : [])]
}

type Payload = Pick<SpopFrame, 'details' | 'messages' | 'disconnect'>

const noPayload: Payload = { details: [], messages: [], disconnect: undefined }

function readPayload(head: FrameHead, payload: Buffer, reading: SpopReading, findings: Finding[]): Payload {
  try {
    switch (head.type) {
      case FrameType.HaproxyHello:
      case FrameType.AgentHello:
        return { ...noPayload, details: [readValues(createReader(payload))] }
      case FrameType.HaproxyDisconnect:
        return readDisconnect(payload, 'haproxy-disconnect')
      case FrameType.AgentDisconnect:
        return readDisconnect(payload, 'agent-disconnect')
      case FrameType.Notify:
        if (!head.fin || head.abort) return fragment(payload)
        return { ...noPayload, ...readMessages(payload, reading) }
      case FrameType.Unset:
        return fragment(payload)
      case FrameType.Ack:
        if (!reading.showSecrets) maskAck(payload)
        return { ...noPayload, details: describeActions(createReader(payload), reading, findings) }
      default:
        return payload.length === 0 ? noPayload : fragment(payload)
    }
  } catch (error) {
    findings.push(find('frame.undecodable', errorMessage(error)))
    return noPayload
  }
}

function fragment(payload: Buffer): Payload {
  const values = [{ name: '', type: 'bytes', value: payload.length }]
  return { ...noPayload, details: [{ kind: 'fragment', name: '', values }] }
}

function readValues(reader: Reader): Detail {
  const values = decodeKvList(reader).map(([name, data]) => describeValue(name, data))
  return { kind: 'values', name: '', values }
}

function readDisconnect(payload: Buffer, type: DisconnectFrame['type']): Payload {
  const disconnect = decodeDisconnect(createReader(payload), type)
  return { ...noPayload, details: [readValues(createReader(payload))], disconnect }
}

/**
 * The messages of a whole payload, whose secrets are overwritten unless they are to be shown.
 * @throws SpopError when it cannot be read.
 */
export function readMessages(
  payload: Buffer,
  { showSecrets }: SpopReading,
): Pick<SpopFrame, 'details' | 'messages'> {
  if (!showSecrets) maskNotify(payload)
  const messages = decodeMessages(createReader(payload))
  const details = messages.map(({ name, args }) => {
    return { kind: 'message', name, values: args.map(([arg, data]) => describeValue(arg, data)) }
  })
  return { details, messages: messages.map(({ name }) => name) }
}

/** Whether the payload is no whole one: of a NOTIFY without FIN, and of what follows it. */
export function isFragment({ head }: SpopFrame): boolean {
  return head.type === FrameType.Unset || (head.type === FrameType.Notify && (!head.fin || head.abort))
}

/** Those of HELLO and DISCONNECT are 0/0, and say nothing. */
export function isStreamFrame({ head }: SpopFrame): boolean {
  return (
    head.type === FrameType.Notify ||
    head.type === FrameType.Unset ||
    head.type === FrameType.Ack ||
    head.streamId !== 0 ||
    head.frameId !== 0
  )
}
