/** What is asked: the NOTIFYs of one stream, in their order, as bytes that are ready but for what templates fill in. */
import { Buffer } from 'node:buffer'
import { errorMessage, UsageError } from '../base/errors.ts'
import { Writer } from '../bytes/writer.ts'
import { encodeMessages } from '../spop/notify.ts'
import { encodeValue, type Value } from '../spop/typed-data.ts'
import { parseTemplate, type Template, type Turn } from './template.ts'

/** An argument of a message: a name, and text that becomes a value when it is filled in. */
export interface ArgumentTemplate {
  readonly name: string
  /** It may hold templates. */
  readonly text: string
  /** What errors call it, such as `--arg ip=ip:{ip}`. */
  readonly where: string
  /** A value of the argument's type. @throws Error saying what is wrong with the text. */
  readonly read: (text: string) => Value
  /** The type's name: what it does with a place that is a number or an address. */
  readonly type: string
}

/** A message with arguments that are filled in. */
export interface MessageTemplate {
  readonly name: string
  readonly args: readonly ArgumentTemplate[]
}

/** One NOTIFY of a stream: the messages of one event, or of one group. */
export interface NotifyTemplate {
  /** What reports call it, such as the event. */
  readonly name: string
  readonly messages: readonly MessageTemplate[]
}

/** Bytes, or something that writes them. */
type Piece = Buffer | ((writer: Writer, turn: Turn) => void)

/** The payload of one NOTIFY. */
export class NotifyPayload {
  readonly name: string
  /** The whole payload, when it is the same each time. */
  readonly fixed: Buffer | undefined
  readonly #pieces: readonly Piece[]

  /** @throws UsageError `ERR_SLUICE_OPTION`, SpopError `ERR_SPOP_VALUE` for what cannot be sent. */
  constructor(template: NotifyTemplate) {
    this.name = template.name
    this.#pieces = joined(template.messages.flatMap(piecesOf))
    const [only = Buffer.alloc(0), ...rest] = this.#pieces
    this.fixed = rest.length === 0 && Buffer.isBuffer(only) ? only : undefined
  }

  /** Appends the payload. @throws Error for a value that its type does not take. */
  write(writer: Writer, turn: Turn): void {
    for (const piece of this.#pieces) {
      if (typeof piece === 'function') piece(writer, turn)
      else writer.copy(piece)
    }
  }
}

/** Neighbours that are bytes become one. */
function joined(pieces: readonly Piece[]): Piece[] {
  const result: Piece[] = []
  for (const piece of pieces) {
    const last = result.at(-1)
    if (Buffer.isBuffer(piece) && Buffer.isBuffer(last)) result.splice(-1, 1, Buffer.concat([last, piece]))
    else result.push(piece)
  }
  return result
}

function piecesOf({ name, args }: MessageTemplate): Piece[] {
  const head = bytesOf((writer) => encodeMessages(writer, [{ name, args: args.map(() => ['', null]) }]))
  // Behind the name and NB-ARGS stand the placeholders, two bytes each.
  const pieces: Piece[] = [head.subarray(0, head.length - 2 * args.length)]
  for (const arg of args) {
    pieces.push(nameOf(arg.name), valueOf(arg, parseTemplate(arg.text, arg.where)))
  }
  return pieces
}

function bytesOf(write: (writer: Writer) => void): Buffer {
  const writer = new Writer()
  write(writer)
  return Buffer.from(writer.view())
}

/** A name alone is what a string is without its type. */
function nameOf(name: string): Buffer {
  return bytesOf((writer) => encodeValue(writer, name)).subarray(1)
}

function valueOf({ read, type, where }: ArgumentTemplate, { fixed, place, text }: Template): Piece {
  if (fixed !== undefined) {
    try {
      return bytesOf((writer) => encodeValue(writer, read(fixed)))
    } catch (error) {
      throw new UsageError('ERR_SLUICE_OPTION', `${where}: ${errorMessage(error)}`, error)
    }
  }
  const number = place?.number
  const address = place?.address
  if (number !== undefined && type === 'int64') return (writer, turn) => encodeValue(writer, number(turn))
  if (address !== undefined && type === 'ip') return (writer, turn) => encodeValue(writer, address(turn))
  return (writer, turn) => encodeValue(writer, read(text(turn)))
}
