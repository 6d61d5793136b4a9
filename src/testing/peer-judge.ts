/** What HAProxy makes of an agent's frames: pure functions from a frame to a judgement. */
import { decodeActions, type Action } from '../spop/ack.ts'
import { createReader, FrameFlag, FrameType, lengthSize, leastMaxFrameSize } from '../spop/frame-head.ts'
import { decodeKvList } from '../spop/kv-list.ts'
import { SpopError, StatusCode, statusText } from '../spop/errors.ts'
import { parseList } from '../spop/negotiation.ts'
import type { TypedData } from '../spop/typed-data.ts'
import type { PeerManners } from './peer-manners.ts'
import { formatReceived, type ReceivedFrame } from './wire.ts'

/** What an AGENT-HELLO agreed on. */
export interface PeerAgreement {
  /** Bytes, without the length field. */
  readonly maxFrameSize: number
  /** What the agent announced, as it stands there. */
  readonly capabilities: readonly string[]
  /** Both ends announced it. */
  readonly pipelining: boolean
  /** Both ends announced it. */
  readonly async: boolean
  /** The agent announced it, and this version sends fragments. */
  readonly fragmentation: boolean
}

/** HAProxy refuses what came: `status` goes into its DISCONNECT; undefined is a reset. */
export interface Refusal {
  readonly status: number | undefined
  readonly why: string
}

/** The smallest first piece of a split AGENT-HELLO that 3.2.0 and 3.5-dev5 reset for. */
const leastSplit = 11

function refuse(status: number, detail: string): Refusal {
  return { status, why: `${statusText(status)}: ${detail}` }
}

/** How HAProxy looks a key up: it compares as many bytes as its own name has, so a longer key matches as well. */
function findByPrefix(items: readonly (readonly [string, TypedData])[], name: string): TypedData | undefined {
  return items.findLast(([key]) => key.startsWith(name))?.[1]
}

/** Judges an AGENT-HELLO; `offered` is what our HELLO said. */
export function judgeHello(
  received: ReceivedFrame,
  manners: PeerManners,
  offered: { readonly maxFrameSize: number; readonly capabilities: string },
): PeerAgreement | Refusal {
  const wrong = judgeHelloShape(received, manners)
  if (wrong !== undefined) return wrong
  const items = helloItems(received)
  if (!Array.isArray(items)) return items as Refusal
  const version = findByPrefix(items, 'version')
  if (version?.type !== 'string') return refuse(StatusCode.NoVersion, 'in AGENT-HELLO')
  const text = version.value.trim()
  if (!/^\d{1,3}\.\d{1,3}$/.test(text)) return refuse(manners.badVersionStatus, `version "${text}"`)
  if (text !== '2.0') return refuse(StatusCode.UnsupportedVersion, `"${text}", wanted "2.0"`)
  const size = sizeOf(findByPrefix(items, 'max-frame-size'))
  if (size === undefined && !manners.sizeOptional) return refuse(StatusCode.NoMaxFrameSize, 'in AGENT-HELLO')
  const maxFrameSize = size ?? offered.maxFrameSize
  if (maxFrameSize < leastMaxFrameSize || maxFrameSize > offered.maxFrameSize) {
    return refuse(StatusCode.BadMaxFrameSize, `${maxFrameSize}, wanted 256 to ${offered.maxFrameSize}`)
  }
  const announced = findByPrefix(items, 'capabilities')
  const capabilities = announced?.type === 'string' ? parseList(announced.value) : []
  const ours = parseList(offered.capabilities)
  const both = (name: string) => capabilities.includes(name) && ours.includes(name)
  return {
    maxFrameSize,
    capabilities,
    pipelining: both('pipelining'),
    async: both('async'),
    fragmentation: manners.fragments && capabilities.includes('fragmentation'),
  }
}

function judgeHelloShape(received: ReceivedFrame, manners: PeerManners): Refusal | undefined {
  if (!manners.splitHello && received.pieces > 1 && received.firstPiece >= leastSplit) {
    const { firstPiece, bytes } = received
    const why = `AGENT-HELLO came in ${received.pieces} pieces, the first of ${firstPiece} of ${bytes.length} bytes`
    return { status: undefined, why: `${why}: send it in one write` }
  }
  if (received.type !== FrameType.AgentHello) {
    return refuse(StatusCode.InvalidFrame, `${formatReceived(received)} instead of AGENT-HELLO`)
  }
  if ((received.flags & FrameFlag.Fin) === 0) {
    return refuse(StatusCode.FragmentationNotSupported, 'AGENT-HELLO without FIN')
  }
  const { streamId, frameId } = received
  if (streamId === 0 && frameId === 0) return undefined
  return refuse(StatusCode.InvalidFrame, `AGENT-HELLO with ids ${streamId}/${frameId}`)
}

function helloItems(received: ReceivedFrame): readonly (readonly [string, TypedData])[] | Refusal {
  if (received.payloadAt === undefined) return refuse(StatusCode.InvalidFrame, 'a broken head')
  try {
    const items = decodeKvList(createReader(received.bytes, received.payloadAt))
    return items.some(([key]) => key === '') ? refuse(StatusCode.InvalidFrame, 'a key without a name') : items
  } catch (error) {
    if (error instanceof SpopError) return refuse(StatusCode.InvalidFrame, error.message)
    throw error
  }
}

function sizeOf(data: TypedData | undefined): number | undefined {
  return data !== undefined && 'value' in data && /^u?int/.test(data.type) ? Number(data.value) : undefined
}

/** HAProxy's `tune.bufsize` less the length field. */
const checkMaxSize = 16_380

/** What is wrong with the answer to a health check, as `option spop-check` sees it; undefined when nothing is. */
export function judgeHealthReply(received: ReceivedFrame): string | undefined {
  if (received.type !== FrameType.AgentHello) return `${formatReceived(received)} instead of AGENT-HELLO`
  // Compared as bytes: flags 00000001, both ids 0.
  if (received.bytes.subarray(5, 11).toString('hex') !== '000000010000') {
    return 'flags and ids are not FIN, 0 and 0'
  }
  const items = helloItems(received)
  if (!Array.isArray(items)) return (items as Refusal).why
  const find = (name: string) => (items as [string, TypedData][]).find(([key]) => key === name)?.[1]
  const version = find('version')
  if (version?.type !== 'string' || version.value.trim() !== '2.0') return 'version "2.0" is not there'
  const size = sizeOf(find('max-frame-size'))
  if (size === undefined) return 'max-frame-size is not there'
  if (size < leastMaxFrameSize || size > checkMaxSize) {
    return `max-frame-size ${size} is not ${leastMaxFrameSize} to ${checkMaxSize}`
  }
  return find('capabilities')?.type === 'string' ? undefined : 'capabilities is not there'
}

/** The actions that HAProxy would carry out, and why it stops where it stops. */
export interface JudgedAck {
  readonly actions: readonly Action[]
  /** HAProxy drops the action that is wrong and all behind it, and says nothing. */
  readonly dropped: string | undefined
}

/** Judges an ACK whose ids are known. */
export function judgeAck(
  received: ReceivedFrame,
  manners: PeerManners,
  agreement: PeerAgreement,
): JudgedAck | Refusal {
  const reader = createReader(received.bytes, received.payloadAt)
  const size = manners.sizeCounts === 'frame' ? received.bytes.length - lengthSize : reader.remaining
  if (size > agreement.maxFrameSize) {
    return refuse(StatusCode.FrameTooBig, `an ACK of ${size} bytes, ${agreement.maxFrameSize} were agreed on`)
  }
  if ((received.flags & FrameFlag.Fin) === 0) {
    return refuse(StatusCode.FragmentationNotSupported, 'an ACK without FIN')
  }
  let dropped: string | undefined
  const actions = decodeActions(reader, (error) => {
    dropped = error.message
  })
  return { actions, dropped }
}

/** Tells a refusal from a judgement in the agent's favour. */
export function isRefusal(judged: object): judged is Refusal {
  return 'why' in judged
}
