/** What bytes look like at the beginning of a frame or a record: to tell protocols and sides apart without a history. */
import type { Framing } from '../bytes/frame-splitter.ts'
import { recordFraming } from '../fcgi/codec/record.ts'
import { FrameType, SpopFraming } from '../spop/frame-head.ts'
import type { Protocol, Side } from './entry.ts'

/** No frame of SPOP is larger: HAProxy's come from a buffer, of 16 KB unless told otherwise. In bytes. */
const mostSize = 0x10_0000

/** Where frames end. */
export function framingOf(protocol: Protocol): Framing {
  return protocol === 'spop' ? new SpopFraming(mostSize) : recordFraming
}

const spopSenders: ReadonlyMap<number, Side> = new Map<number, Side>([
  [FrameType.Unset, 'client'],
  [FrameType.HaproxyHello, 'client'],
  [FrameType.HaproxyDisconnect, 'client'],
  [FrameType.Notify, 'client'],
  [FrameType.AgentHello, 'server'],
  [FrameType.AgentDisconnect, 'server'],
  [FrameType.Ack, 'server'],
])

/** Of record types 1 to 11, in their order. */
const fcgiSenders: readonly (Side | undefined)[] = [
  undefined,
  'client',
  'client',
  'server',
  'client',
  'client',
  'server',
  'server',
  'client',
  'client',
  'server',
  'server',
]

/** Records of FastCGI begin with their version, 1; frames of SPOP with a length that is under 16 MB. */
export function guessProtocol(bytes: Buffer): Protocol {
  return bytes[0] === 1 ? 'fcgi' : 'spop'
}

/** What else it may be, in words; undefined when it is nothing that is known. */
export function guessForeign(bytes: Buffer): string | undefined {
  if (bytes[0] === 0x16 && bytes[1] === 3) return 'they begin as TLS does, and what is within cannot be seen'
  const text = bytes.toString('latin1', 0, 256)
  if (text.startsWith('PROXY ')) return 'they begin with a header of the PROXY protocol'
  const line = /^[A-Z]{3,20} [^\r\n]* HTTP\/1\.\d|^HTTP\/1\.\d \d{3}/.exec(text)?.[0]
  return line === undefined ? undefined : `they begin as HTTP does: ${JSON.stringify(line.slice(0, 60))}`
}

/** Whether a frame may begin here: at least its head has to be there. */
export function isFrameStart(bytes: Buffer): boolean {
  return senderOf(bytes) !== undefined
}

/** Who sends the frame that begins here; undefined when none does. */
export function senderOf(bytes: Buffer): Side | undefined {
  if (bytes.length < 8) return undefined
  return guessProtocol(bytes) === 'fcgi' ? fcgiSender(bytes) : spopSender(bytes)
}

/** Who sends a record of that type; undefined for one that no document names. */
export function recordSender(type: number): Side | undefined {
  return fcgiSenders[type]
}

function fcgiSender(bytes: Buffer): Side | undefined {
  return bytes[7] === 0 ? fcgiSenders[bytes[1] as number] : undefined // eight bytes are there
}

function spopSender(bytes: Buffer): Side | undefined {
  const size = bytes.readUInt32BE(0)
  // Two flags are defined, in the last of their four bytes.
  const flagsAreSound = bytes.readUIntBE(5, 3) === 0 && (bytes.length === 8 || (bytes[8] as number) <= 3)
  if (size < 7 || size > mostSize || !flagsAreSound) return undefined
  return spopSenders.get(bytes[4] as number) // eight bytes are there
}
