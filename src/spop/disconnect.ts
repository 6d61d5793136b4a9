/** HAPROXY-DISCONNECT and AGENT-DISCONNECT (SPOE.txt 3.2.8, 3.2.9): a status code and a sentence. */
import { Buffer } from 'node:buffer'
import type { Reader } from '../bytes/reader.ts'
import type { Writer } from '../bytes/writer.ts'
import { refuseArgument } from '../base/options.ts'
import { checkObject, checkReader, checkText, checkWriter } from './arguments.ts'
import { StatusCode, statusText } from './errors.ts'
import { beginFrame, endFrame, FrameFlag, FrameType } from './frame-head.ts'
import { decodeKvList, encodeKvList } from './kv-list.ts'

/** Why a peer leaves. Both directions have the same payload. */
export interface DisconnectFrame {
  /** Who leaves. */
  readonly type: 'haproxy-disconnect' | 'agent-disconnect'
  /** See SPOE.txt 3.5; agents may define their own codes. */
  readonly statusCode: number
  /** Why, for people. */
  readonly message: string
}

/**
 * `reader` stands at the payload. A peer that leaves is not worth an argument: absent keys get defaults, unknown ones
 * are skipped.
 */
export function decodeDisconnect(reader: Reader, type: DisconnectFrame['type']): DisconnectFrame {
  checkReader(reader)
  checkType(type)
  let statusCode: number | undefined
  let message: string | undefined
  for (const [name, data] of decodeKvList(reader)) {
    if (name === 'status-code' && 'value' in data && /^u?int/.test(data.type))
      statusCode ??= Number(data.value)
    if (name === 'message' && data.type === 'string') message ??= data.value
  }
  // As HAProxy, which then knows of no error.
  const code = statusCode ?? StatusCode.Normal
  return { type, statusCode: code, message: message ?? statusText(code) }
}

function checkType(type: DisconnectFrame['type']): void {
  if (type === 'haproxy-disconnect' || type === 'agent-disconnect') return
  refuseArgument('the type', 'must be haproxy-disconnect or agent-disconnect', type)
}

/** HAProxy reads at most this many bytes of the message. */
const maxMessageSize = 255

/** Writes the frame; a message that HAProxy would not take whole is cut, at a character. */
export function encodeDisconnect(writer: Writer, frame: DisconnectFrame): void {
  checkWriter(writer)
  checkObject('the frame', frame)
  checkType(frame.type)
  checkText('the message', frame.message)
  const type = frame.type === 'haproxy-disconnect' ? FrameType.HaproxyDisconnect : FrameType.AgentDisconnect
  const start = beginFrame(writer, type, FrameFlag.Fin, 0, 0)
  encodeKvList(writer, [
    ['status-code', { type: 'uint32', value: frame.statusCode }],
    ['message', cutText(frame.message)],
  ])
  endFrame(writer, start)
}

function cutText(text: string): string {
  if (Buffer.byteLength(text) <= maxMessageSize) return text
  const bytes = Buffer.from(text)
  let end = maxMessageSize
  // A byte 10xxxxxx continues a character.
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--
  return bytes.toString('utf8', 0, end)
}
