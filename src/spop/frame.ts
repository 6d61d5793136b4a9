/**
 * Whole frames as values: one union, one `decodeFrame`, one `encodeFrame`. Checks that need only the frame live in
 * the file of its kind; what needs history is the connection's business.
 */
import type { Reader } from '../bytes/reader.ts'
import type { Writer } from '../bytes/writer.ts'
import { decodeActions, encodeAck, type AckFrame } from './ack.ts'
import { decodeDisconnect, encodeDisconnect, type DisconnectFrame } from './disconnect.ts'
import { refuseArgument } from '../base/options.ts'
import { checkBytes, checkObject, checkWriter } from './arguments.ts'
import { SpopError } from './errors.ts'
import { encodeFragment, type UnsetFrame } from './fragments.ts'
import {
  beginFrame,
  createReader,
  endFrame,
  FrameFlag,
  FrameHead,
  FrameType,
  lengthSize,
  readFrameHead,
  type Id,
} from './frame-head.ts'
import {
  decodeAgentHello,
  decodeHaproxyHello,
  encodeAgentHello,
  encodeHaproxyHello,
  type AgentHelloFrame,
  type HaproxyHelloFrame,
} from './hello.ts'
import { decodeMessages, encodeMessages, type NotifyFrame } from './notify.ts'

/** A frame of a type that no document names; it may be skipped (SPOE.txt 3.2.2). */
export interface UnknownFrame {
  readonly type: 'unknown'
  /** The number of its type. */
  readonly frameType: number
  /** The stream id: with the frame id it names the exchange. */
  readonly streamId: Id
  /** The frame id. */
  readonly frameId: Id
  /** Whether the flag FIN is set. */
  readonly fin: boolean
  /** Whether the flag ABORT is set. */
  readonly abort: boolean
  /** A view of what was received. */
  readonly payload: Buffer
}

/** Any frame. Match on `type`, which is the name of the specification in lower case. */
export type Frame =
  | HaproxyHelloFrame
  | AgentHelloFrame
  | NotifyFrame
  | UnsetFrame
  | AckFrame
  | DisconnectFrame
  | UnknownFrame

/**
 * Decodes one whole frame, its length field included. Nothing may follow it.
 * @throws SpopError any of the ERR_SPOP codes; never anything else, whatever the bytes. UsageError `ERR_SLUICE_OPTION` for
 * what is no Buffer.
 */
export function decodeFrame(bytes: Buffer): Frame {
  checkBytes('the frame', bytes)
  const reader = createReader(bytes)
  const length = reader.uint32()
  if (length !== reader.remaining) {
    const code = length > reader.remaining ? 'ERR_SPOP_TRUNCATED' : 'ERR_SPOP_INVALID_FRAME'
    throw new SpopError(code, `a length of ${length} bytes with ${bytes.length - lengthSize} there`)
  }
  const head = new FrameHead()
  readFrameHead(reader, head)
  return decodePayload(reader, head)
}

function decodePayload(reader: Reader, head: FrameHead): Frame {
  switch (head.type) {
    case FrameType.HaproxyHello:
      return decodeHaproxyHello(control(reader, head, 'HAPROXY-HELLO'))
    case FrameType.AgentHello:
      return decodeAgentHello(control(reader, head, 'AGENT-HELLO'))
    case FrameType.HaproxyDisconnect:
      return decodeDisconnect(control(reader, head, 'HAPROXY-DISCONNECT'), 'haproxy-disconnect')
    case FrameType.AgentDisconnect:
      return decodeDisconnect(control(reader, head, 'AGENT-DISCONNECT'), 'agent-disconnect')
    case FrameType.Notify:
      return { type: 'notify', ...idsAndFlags(head), ...decodeNotifyPayload(reader, head) }
    case FrameType.Unset:
      return { type: 'unset', ...idsAndFlags(head), payload: reader.view(reader.remaining) }
    case FrameType.Ack:
      return { type: 'ack', ...idsAndFlags(head), actions: decodeActions(unfragmented(reader, head, 'ACK')) }
    default:
      return {
        type: 'unknown',
        frameType: head.type,
        ...idsAndFlags(head),
        payload: reader.view(reader.remaining),
      }
  }
}

function idsAndFlags({ streamId, frameId, fin, abort }: FrameHead) {
  return { streamId, frameId, fin, abort }
}

function decodeNotifyPayload(reader: Reader, head: FrameHead): Pick<NotifyFrame, 'messages' | 'fragment'> {
  if (head.fin && !head.abort) return { messages: decodeMessages(reader), fragment: undefined }
  return { messages: [], fragment: reader.view(reader.remaining) }
}

/** HAProxy (`src/flt_spoe.c`) answers status 10 to any frame from an agent that has no FIN. */
function unfragmented(reader: Reader, head: FrameHead, name: string): Reader {
  if (!head.fin) throw new SpopError('ERR_SPOP_FRAGMENTATION', `${name} cannot be fragmented`)
  return reader
}

/** HELLO and DISCONNECT frames are whole, and belong to no stream. */
export function control(reader: Reader, head: FrameHead, name: string): Reader {
  unfragmented(reader, head, name)
  if (head.streamId !== 0 || head.frameId !== 0) {
    throw new SpopError(
      'ERR_SPOP_INVALID_FRAME',
      `${name} with ids ${head.streamId}/${head.frameId}, wanted 0/0`,
    )
  }
  return reader
}

/**
 * Writes one frame with its length field. The reverse of {@link decodeFrame}.
 * @throws SpopError `ERR_SPOP_VALUE` when a value cannot be sent; nothing of the frame is left in the writer then.
 */
export function encodeFrame(writer: Writer, frame: Frame): void {
  checkWriter(writer)
  checkObject('the frame', frame)
  const start = writer.at
  try {
    encodeByType(writer, frame)
  } catch (error) {
    writer.reset(start)
    throw error
  }
}

function encodeByType(writer: Writer, frame: Frame): void {
  switch (frame.type) {
    case 'haproxy-hello':
      return encodeHaproxyHello(writer, frame)
    case 'agent-hello':
      return encodeAgentHello(writer, frame)
    case 'haproxy-disconnect':
    case 'agent-disconnect':
      return encodeDisconnect(writer, frame)
    case 'ack':
      encodeAck(writer, frame.streamId, frame.frameId, frame.actions, frame.abort)
      return
    case 'unset':
      return encodeFragment(writer, FrameType.Unset, frame, frame.payload)
    case 'unknown':
      return encodeFragment(writer, frame.frameType, frame, frame.payload)
    case 'notify':
      return encodeNotifyFrame(writer, frame)
    default:
      // Only untyped callers get here.
      refuseArgument('the frame', 'must be of a type that decodeFrame() gives', frame)
  }
}

function encodeNotifyFrame(writer: Writer, frame: NotifyFrame): void {
  if (frame.fragment !== undefined) return encodeFragment(writer, FrameType.Notify, frame, frame.fragment)
  const start = beginFrame(writer, FrameType.Notify, FrameFlag.Fin, frame.streamId, frame.frameId)
  encodeMessages(writer, frame.messages)
  endFrame(writer, start)
}
