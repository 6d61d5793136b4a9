/**
 * Typed arguments: what a handler declares once is checked for every message, and TypeScript infers the handler's
 * parameter from it. HAProxy sends the arguments of a message in the same order every time, so the order seen last
 * is remembered, and a name that is where it was before costs one comparison of bytes.
 */
import { isAt } from '../bytes/known-bytes.ts'
import { LastText } from '../bytes/last-text.ts'
import type { Reader } from '../bytes/reader.ts'
import { IpAddress } from '../net/ip-address.ts'
import {
  decodeTypedData,
  DataType,
  readIpv6,
  readSigned,
  skipTypedData,
  type TypedData,
} from '../spop/typed-data.ts'
import { readVarint, readVarint64 } from '../spop/varint.ts'
import { AgentError } from './errors.ts'

interface ArgumentTypes {
  /** IPv4 or IPv6. */
  ip: IpAddress
  /** STRING as UTF-8 text. */
  string: string
  /** STRING or BINARY, one character per byte: nothing is lost. */
  latin1: string
  /** BINARY or STRING: a copy of the bytes. */
  binary: Buffer
  /** Any integer type, in the safe range of a number. */
  integer: number
  /** Any integer type. */
  bigint: bigint
  /** BOOLEAN. */
  boolean: boolean
  /** Whatever it is, as on the wire. */
  any: TypedData
}

/** A type of argument. */
export type ArgumentType = keyof ArgumentTypes

/**
 * How an argument is declared: a type; with `?` it may be NULL or missing (a sample that HAProxy could not fetch is
 * NULL) and is then undefined (but `any?` keeps NULL as it is); with `[]` all arguments of that name are collected.
 */
export type ArgumentSpec = ArgumentType | `${ArgumentType}?` | `${ArgumentType}[]`

/** Names and types of a message's arguments. The name `#2` stands for the third argument, whatever its name is. */
export type Schema = Readonly<Record<string, ArgumentSpec>>

/** What a handler gets for a {@link Schema}. */
export type ArgumentsOf<S extends Schema> = { readonly [Name in keyof S]: ArgumentOf<S[Name]> }

type ArgumentOf<Spec extends ArgumentSpec> = Spec extends `${infer Type extends ArgumentType}?`
  ? ArgumentTypes[Type] | undefined
  : Spec extends `${infer Type extends ArgumentType}[]`
    ? readonly ArgumentTypes[Type][]
    : Spec extends ArgumentType
      ? ArgumentTypes[Spec]
      : never

const typeNames: readonly string[] = [
  'null',
  'boolean',
  'int32',
  'uint32',
  'int64',
  'uint64',
  'ipv4',
  'ipv6',
  'string',
  'binary',
]

/** One declared argument. */
interface Slot {
  readonly index: number
  readonly name: string
  readonly type: ArgumentType
  readonly optional: boolean
  readonly repeated: boolean
  /** Of a `string`. */
  readonly text: LastText
}

/** Where an argument stood last time. A slot of undefined is an argument that nobody declared. */
interface Seen {
  readonly name: Buffer
  readonly slot: Slot | undefined
}

/** A message says in one byte how many arguments it has, and the first is #0. */
const lastPosition = 254

/** Reads the arguments of one kind of message. */
export class ArgumentDecoder {
  readonly #message: string
  readonly #slots: readonly Slot[]
  readonly #byName = new Map<string, Slot>()
  readonly #byPosition = new Map<number, Slot>()
  /** What the arguments look like before any is read: copying it gives every object the same hidden class. */
  readonly #template: Readonly<Record<string, unknown>>
  /** No value for any slot; copied for each message. */
  readonly #blank: readonly undefined[]
  readonly #repeated: readonly Slot[]
  readonly #order: (Seen | undefined)[] = []

  /** @throws AgentError `ERR_AGENT_SCHEMA` for a declaration that is none. */
  constructor(message: string, schema: Schema) {
    this.#message = message
    if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) {
      throw new AgentError(
        'ERR_AGENT_SCHEMA',
        `message '${message}': it must be an object of names and types`,
      )
    }
    this.#slots = Object.entries(schema).map(([name, spec], index) => parseSlot(message, index, name, spec))
    this.#blank = this.#slots.map(() => undefined)
    this.#repeated = this.#slots.filter((slot) => slot.repeated)
    this.#template = Object.fromEntries(this.#slots.map((slot) => [slot.name, undefined]))
    for (const slot of this.#slots) {
      const position = /^#(\d{1,3})$/.exec(slot.name)
      if (position === null) this.#byName.set(slot.name, slot)
      else if (Number(position[1]) > lastPosition) {
        throw new AgentError(
          'ERR_AGENT_SCHEMA',
          `message '${message}': '${slot.name}' is beyond #${lastPosition}, the last that a message can have`,
        )
      } else this.#byPosition.set(Number(position[1]), slot)
    }
  }

  /**
   * Reads `count` arguments; the reader stands behind them afterwards, also after an error of type
   * `ERR_AGENT_ARGUMENT`: the next message can still be read.
   * @throws AgentError `ERR_AGENT_ARGUMENT` naming message, argument, wanted and got type.
   */
  decode(reader: Reader, count: number): Record<string, unknown> {
    // Values by the index of their slots: names are dearer to look up.
    const found: unknown[] = this.#blank.slice()
    for (const slot of this.#repeated) found[slot.index] = []
    for (let position = 0; position < count; position++) {
      const slot = this.#slotAt(reader, position)
      if (slot === undefined) skipTypedData(reader)
      else this.#readInto(found, slot, reader, count - position - 1)
    }
    const values: Record<string, unknown> = { ...this.#template }
    for (const slot of this.#slots) {
      const value = found[slot.index]
      if (value !== undefined) values[slot.name] = value
      else if (!slot.optional) this.#refuse(slot, 'nothing')
    }
    return values
  }

  #slotAt(reader: Reader, position: number): Slot | undefined {
    const size = readVarint(reader)
    const start = reader.skip(size)
    const seen = this.#order[position]
    if (seen !== undefined && isAt(reader.bytes, start, size, seen.name)) return seen.slot
    return this.#learn(reader, start, size, position)
  }

  #learn(reader: Reader, start: number, size: number, position: number): Slot | undefined {
    const name = Buffer.from(reader.bytes.subarray(start, start + size))
    const slot = this.#byPosition.get(position) ?? this.#byName.get(name.toString('utf8'))
    // Positions are at most 255 and a remembered name at most a frame; long names are not worth remembering.
    if (size <= 64) this.#order[position] = { name, slot }
    return slot
  }

  #readInto(found: unknown[], slot: Slot, reader: Reader, left: number): void {
    const at = reader.at
    const value = readArgument(reader, slot)
    if (value !== mismatch) {
      if (slot.repeated) (found[slot.index] as unknown[]).push(value)
      // The first of a repeated name counts.
      else if (found[slot.index] === undefined) found[slot.index] = value
      return
    }
    reader.at = at
    const got = (reader.bytes[at] as number) & 15 // readArgument() has read it
    skipTypedData(reader)
    if (got === DataType.Null && (slot.optional || slot.repeated)) return
    for (let index = 0; index < left; index++) {
      reader.skip(readVarint(reader))
      skipTypedData(reader)
    }
    this.#refuse(slot, typeNames[got] ?? `type ${got}`)
  }

  #refuse(slot: Slot, got: string): never {
    throw new AgentError(
      'ERR_AGENT_ARGUMENT',
      `message '${this.#message}', argument '${slot.name}': wanted ${slot.type}, got ${got}`,
    )
  }
}

function parseSlot(message: string, index: number, name: string, spec: string): Slot {
  const match = /^(\w+)(\?|\[\])?$/.exec(spec)
  const type = match?.[1] as ArgumentType
  if (match === null || !Object.hasOwn(readers, type)) {
    const known = Object.keys(readers).join(', ')
    throw new AgentError(
      'ERR_AGENT_SCHEMA',
      `message '${message}', argument '${name}': '${spec}' is not one of ${known}, with '?' or '[]' behind it`,
    )
  }
  const [optional, repeated] = [match[2] === '?', match[2] === '[]']
  return { index, name, type, optional, repeated, text: new LastText() }
}

/** The value on the wire is not of the wanted type. */
const mismatch = Symbol('mismatch')

function readArgument(reader: Reader, { type, text }: Slot): unknown {
  switch (type) {
    case 'ip':
      return readIp(reader)
    case 'string':
      return readText(reader, text)
    case 'integer':
      return readInteger(reader)
    default:
      return readers[type](reader, text)
  }
}

function readIp(reader: Reader): unknown {
  const type = reader.uint8() & 15
  if (type === DataType.Ipv4) return IpAddress.fromUint32(reader.uint32())
  return type === DataType.Ipv6 ? readIpv6(reader) : mismatch
}

function readText(reader: Reader, text: LastText): unknown {
  if ((reader.uint8() & 15) !== DataType.String) return mismatch
  return text.read(reader, readVarint(reader))
}

function readAnyInteger(reader: Reader): number | bigint | typeof mismatch {
  const type = reader.uint8() & 15
  if (type < DataType.Int32 || type > DataType.Uint64) return mismatch
  return type === DataType.Uint64 ? readVarint64(reader) : readSigned(reader)
}

function readInteger(reader: Reader): unknown {
  const value = readAnyInteger(reader)
  return typeof value === 'bigint' ? mismatch : value
}

const readers: Readonly<Record<ArgumentType, (reader: Reader, text: LastText) => unknown>> = {
  ip: readIp,
  string: readText,
  integer: readInteger,
  bigint: (reader) => {
    const value = readAnyInteger(reader)
    return typeof value === 'number' ? BigInt(value) : value
  },
  latin1: (reader) => {
    const type = reader.uint8() & 15
    if (type !== DataType.String && type !== DataType.Binary) return mismatch
    return reader.latin1(readVarint(reader))
  },
  binary: (reader) => {
    const type = reader.uint8() & 15
    if (type !== DataType.String && type !== DataType.Binary) return mismatch
    return Buffer.from(reader.view(readVarint(reader)))
  },
  boolean: (reader) => {
    const head = reader.uint8()
    return (head & 15) === DataType.Boolean ? (head & 16) !== 0 : mismatch
  },
  any: decodeTypedData,
}
