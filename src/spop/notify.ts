/** NOTIFY (SPOE.txt 3.2.6): a list of messages, each with its name and a counted list of arguments. */
import type { Reader } from '../bytes/reader.ts'
import type { Writer } from '../bytes/writer.ts'
import { refuseArgument } from '../base/options.ts'
import { checkIds, checkIterable, checkText, checkReader, checkWriter } from './arguments.ts'
import { EncodedMessages } from './encoded-messages.ts'
import { SpopError } from './errors.ts'
import { beginFrame, endFrame, FrameFlag, FrameType, type Id } from './frame-head.ts'
import { decodeItems, encodeKvList, type Item } from './kv-list.ts'
import { readString, writeString } from './string.ts'
import type { TypedData, Value } from './typed-data.ts'

/** NB-ARGS is one unsigned byte. */
const maxArgs = 255

/** One message: its arguments in the order of the wire, repeated and unnamed ones included. */
export class Message {
  /** As the configuration calls it: `spoe-message NAME`. */
  readonly name: string
  /** Name and value of each; the name is empty where the configuration gives none. */
  readonly args: readonly Item[]

  constructor(name: string, args: readonly Item[]) {
    checkText('Message: the name', name)
    if (!Array.isArray(args)) refuseArgument('Message: the arguments', 'must be an array of pairs', args)
    this.name = name
    this.args = args
  }

  /** The value of the first argument of that name. */
  get(name: string): TypedData | undefined {
    return this.args.find(([key]) => key === name)?.[1]
  }

  /** The values of all arguments of that name, in order; the name of unnamed arguments is the empty string. */
  all(name: string): TypedData[] {
    return this.args.filter(([key]) => key === name).map(([, value]) => value)
  }
}

/** A NOTIFY frame, or the first fragment of one. */
export interface NotifyFrame {
  readonly type: 'notify'
  /** The stream id: with the frame id it names the exchange. */
  readonly streamId: Id
  /** The frame id. */
  readonly frameId: Id
  /** Whether the payload is whole. */
  readonly fin: boolean
  /** Whether the processing is to be given up. */
  readonly abort: boolean
  /** Empty when the payload is a fragment. */
  readonly messages: readonly Message[]
  /** The raw payload when it is a fragment: fragments are joined before they are decoded (fragments.ts). */
  readonly fragment: Buffer | undefined
}

/** A message to be sent. */
export interface MessageInput {
  /** As the configuration would call it. */
  readonly name: string
  /** Name and value of each, in the order in which they are sent; an empty name is none. */
  readonly args: readonly (readonly [name: string, value: Value])[]
}

/** What a NOTIFY is made of: messages, or what {@link encodeMessages} would make of them. */
export type NotifyInput = readonly MessageInput[] | EncodedMessages

/** What messages must be, for whoever refuses them. */
export const messagesRule = 'must be an array of { name, args }, with arguments as pairs of name and value'

/** Reads all messages of a whole payload. NB-ARGS says where each one ends. */
export function decodeMessages(reader: Reader): Message[] {
  checkReader(reader)
  const messages: Message[] = []
  while (reader.remaining > 0) {
    const name = readString(reader)
    messages.push(new Message(name, decodeItems(reader, reader.uint8())))
  }
  return messages
}

/**
 * Writes the payload of a NOTIFY.
 * @throws SpopError `ERR_SPOP_VALUE` for a value that cannot be sent, or a message of more than 255 arguments; UsageError
 * `ERR_SLUICE_OPTION` for what is no message.
 */
export function encodeMessages(writer: Writer, messages: Iterable<MessageInput> | EncodedMessages): void {
  checkWriter(writer)
  if (messages instanceof EncodedMessages) return writer.copy(messages.writer.view())
  checkIterable('the messages', messages)
  for (const message of messages) {
    if (!isMessage(message)) refuseArgument('the messages', messagesRule, message)
    const { name, args } = message
    if (args.length > maxArgs) {
      throw new SpopError(
        'ERR_SPOP_VALUE',
        `message '${name}' has ${args.length} arguments, ${maxArgs} fit`,
        { fault: 'local' },
      )
    }
    writeString(writer, name)
    writer.uint8(args.length)
    encodeKvList(writer, args)
  }
}

/** Its arguments are checked as they are written. */
function isMessage(given: MessageInput): boolean {
  return (
    typeof given === 'object' && given !== null && typeof given.name === 'string' && Array.isArray(given.args)
  )
}

/**
 * Writes a whole, unfragmented NOTIFY and returns its length without the length field.
 * @throws SpopError `ERR_SPOP_VALUE` when a value cannot be sent; nothing of the frame is left in the writer then.
 */
export function encodeNotify(
  writer: Writer,
  streamId: Id,
  frameId: Id,
  messages: Iterable<MessageInput>,
): number {
  checkWriter(writer)
  checkIds(streamId, frameId)
  const start = writer.at
  try {
    beginFrame(writer, FrameType.Notify, FrameFlag.Fin, streamId, frameId)
    encodeMessages(writer, messages)
    return endFrame(writer, start)
  } catch (error) {
    writer.reset(start)
    throw error
  }
}
