/**
 * Typed data (SPOE.txt 3.1): the ten types, from and to the wire. A value stays what it was on the wire: integers are
 * a `number` when that is exact and a `bigint` when not, strings keep their bytes, addresses are not made text.
 */
import { Buffer } from 'node:buffer'
import type { Reader } from '../bytes/reader.ts'
import type { Writer } from '../bytes/writer.ts'
import { IpAddress } from '../net/ip-address.ts'
import { refuseArgument, show } from '../base/options.ts'
import { SpopError } from './errors.ts'
import { readStringBytes, writeString, writeStringBytes } from './string.ts'
import { checkWhole, readVarint, readVarint64, skipVarint, writeVarint } from './varint.ts'

/** The low four bits of a typed value's first byte. 10 to 15 are reserved. */
export const DataType = {
  Null: 0,
  Boolean: 1,
  Int32: 2,
  Uint32: 3,
  Int64: 4,
  Uint64: 5,
  Ipv4: 6,
  Ipv6: 7,
  String: 8,
  Binary: 9,
} as const

/** A number of {@link DataType}. */
export type DataType = (typeof DataType)[keyof typeof DataType]

/** The flag of a boolean: bit 0 of the flags, which are the high four bits. */
const trueFlag = 0x10

/** A string as it was on the wire. `value` is decoded when it is asked for, as UTF-8. */
export class StringData {
  readonly type = 'string'
  /** The exact bytes: a view of what was received, so copy it if you keep it for long. */
  readonly bytes: Buffer

  constructor(bytes: Buffer | string) {
    if (typeof bytes !== 'string' && !Buffer.isBuffer(bytes)) {
      refuseArgument('StringData: the bytes', 'must be a Buffer or a string', bytes)
    }
    this.bytes = typeof bytes === 'string' ? Buffer.from(bytes) : bytes
  }

  /** The text, read as UTF-8; what is not UTF-8 becomes U+FFFD. */
  get value(): string {
    return this.bytes.toString('utf8')
  }

  /** The text, one character per byte: nothing is lost. */
  get latin1(): string {
    return this.bytes.toString('latin1')
  }

  /** Plain data for `JSON.stringify`: the text as UTF-8. */
  toJSON(): { type: 'string'; value: string } {
    return { type: 'string', value: this.value }
  }
}

/** The four integer types; a `bigint` only where a `number` would not be exact. */
export interface IntegerData {
  /** How it was encoded. */
  readonly type: 'int32' | 'uint32' | 'int64' | 'uint64'
  /** A `number` wherever that is exact. */
  readonly value: number | bigint
}

/** A typed value. Match on `type`. */
export type TypedData =
  | { readonly type: 'null' }
  | { readonly type: 'boolean'; readonly value: boolean }
  | IntegerData
  | { readonly type: 'ipv4' | 'ipv6'; readonly value: IpAddress }
  | StringData
  | { readonly type: 'binary'; readonly value: Buffer }

/** What may be given where typed data is wanted, see {@link toTypedData}. */
export type Value = null | boolean | number | bigint | string | IpAddress | Uint8Array | TypedData

const nullData: TypedData = { type: 'null' }
const trueData: TypedData = { type: 'boolean', value: true }
const falseData: TypedData = { type: 'boolean', value: false }

const integerTypes = ['int32', 'uint32', 'int64', 'uint64'] as const

/** The 16 bytes of an IPv6 address. */
export function readIpv6(reader: Reader): IpAddress {
  return IpAddress.fromWords(reader.uint32(), reader.uint32(), reader.uint32(), reader.uint32())
}

/**
 * Reads one typed value. Flags that the type does not define are ignored, as HAProxy does.
 * @throws SpopError `ERR_SPOP_TRUNCATED`, `ERR_SPOP_VARINT`, `ERR_SPOP_DATA_TYPE`.
 */
export function decodeTypedData(reader: Reader): TypedData {
  const head = reader.uint8()
  switch (head & 15) {
    case DataType.Null:
      return nullData
    case DataType.Boolean:
      return (head & trueFlag) === 0 ? falseData : trueData
    case DataType.Int32:
    case DataType.Uint32:
    case DataType.Int64:
      return { type: integerType(head & 15), value: readSigned(reader) }
    case DataType.Uint64:
      return { type: 'uint64', value: readVarint64(reader) }
    case DataType.Ipv4:
      return { type: 'ipv4', value: IpAddress.fromUint32(reader.uint32()) }
    case DataType.Ipv6:
      return { type: 'ipv6', value: readIpv6(reader) }
    case DataType.String:
      return new StringData(readStringBytes(reader))
    case DataType.Binary:
      return { type: 'binary', value: readStringBytes(reader) }
    default:
      return refuseType(head, reader)
  }
}

function integerType(type: number): IntegerData['type'] {
  return integerTypes[type - DataType.Int32] as IntegerData['type'] // the caller's switch has checked the type
}

/** Also for readers that know what they want: throws for the reserved types. */
function refuseType(head: number, reader: Reader): never {
  throw new SpopError('ERR_SPOP_DATA_TYPE', `${head & 15} at byte ${reader.at - 1}`)
}

/**
 * Reads the number of an INT32, UINT32 or INT64: HAProxy keeps every integer as 64 bits, so the varint is the 64-bit
 * pattern whatever the type says.
 */
export function readSigned(reader: Reader): number | bigint {
  const value = readVarint64(reader)
  return typeof value === 'number' ? value : narrow(BigInt.asIntN(64, value))
}

function narrow(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

/** Moves past one typed value. */
export function skipTypedData(reader: Reader): void {
  const head = reader.uint8()
  switch (head & 15) {
    case DataType.Null:
    case DataType.Boolean:
      return
    case DataType.Int32:
    case DataType.Uint32:
    case DataType.Int64:
    case DataType.Uint64:
      return skipVarint(reader)
    case DataType.Ipv4:
      reader.skip(4)
      return
    case DataType.Ipv6:
      reader.skip(16)
      return
    case DataType.String:
    case DataType.Binary:
      reader.skip(readVarint(reader))
      return
    default:
      return refuseType(head, reader)
  }
}

/**
 * Writes one typed value.
 * @throws SpopError `ERR_SPOP_VALUE` when an integer does not fit its type, the type is not one of the ten, or the value
 * is not of its type.
 */
export function encodeTypedData(writer: Writer, data: TypedData): void {
  if (typeof data !== 'object' || data === null) {
    throw new SpopError('ERR_SPOP_VALUE', `${show(data)} is no typed data`, { fault: 'local' })
  }
  switch (data.type) {
    case 'null':
      return writer.uint8(DataType.Null)
    case 'boolean':
      if (typeof data.value !== 'boolean') refuseValue(data)
      return writer.uint8(data.value ? DataType.Boolean | trueFlag : DataType.Boolean)
    case 'int32':
    case 'uint32':
    case 'int64':
    case 'uint64':
      return encodeInteger(writer, data)
    case 'ipv4':
    case 'ipv6':
      return encodeAddress(writer, data.value)
    case 'string':
      if (!(data.bytes instanceof Uint8Array)) refuseValue(data)
      writer.uint8(DataType.String)
      return writeStringBytes(writer, data.bytes)
    case 'binary':
      if (!(data.value instanceof Uint8Array)) refuseValue(data)
      writer.uint8(DataType.Binary)
      return writeStringBytes(writer, data.value)
    default:
      // Only untyped callers get here. A value of no bytes would make HAProxy drop every action behind it.
      throw new SpopError('ERR_SPOP_VALUE', `no SPOP type is called '${String((data as TypedData).type)}'`, {
        fault: 'local',
      })
  }
}

/** Only untyped callers get here. */
function refuseValue(data: TypedData): never {
  throw new SpopError('ERR_SPOP_VALUE', `${show(data)} has no value of its type`, { fault: 'local' })
}

const ranges = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n, DataType.Int32],
  uint32: [0n, 2n ** 32n - 1n, DataType.Uint32],
  int64: [-(2n ** 63n), 2n ** 63n - 1n, DataType.Int64],
  uint64: [0n, 2n ** 64n - 1n, DataType.Uint64],
} as const

function encodeInteger(writer: Writer, { type, value }: IntegerData): void {
  if (typeof value !== 'number' && typeof value !== 'bigint') refuseValue({ type, value })
  const [least, most, code] = ranges[type]
  if (value < least || value > most) {
    throw new SpopError('ERR_SPOP_VALUE', `${value} does not fit ${type}`, { fault: 'local' })
  }
  const start = writer.at
  writer.uint8(code)
  try {
    writeVarint(writer, value)
  } catch (error) {
    writer.reset(start) // a value that cannot be sent leaves nothing behind
    throw error
  }
}

function encodeAddress(writer: Writer, address: IpAddress): void {
  // Untyped callers give text.
  if (!(address instanceof IpAddress)) {
    throw new SpopError('ERR_SPOP_VALUE', `${show(address)} is no IpAddress`, { fault: 'local' })
  }
  if (address.family === 4) {
    writer.uint8(DataType.Ipv4)
    writer.uint32(address.v4)
  } else {
    writer.uint8(DataType.Ipv6)
    writer.copy(address.bytes)
  }
}

/**
 * Writes a plain JavaScript value: whole numbers and bigints as INT64 (the type that HAProxy itself uses), text as
 * STRING in UTF-8, bytes as BINARY, null as NULL (which unsets a variable), {@link TypedData} as it says.
 * @throws SpopError `ERR_SPOP_VALUE` for a fraction, NaN, or an integer over 64 bits signed.
 */
export function encodeValue(writer: Writer, value: Value): void {
  switch (typeof value) {
    case 'string':
      writer.uint8(DataType.String)
      return writeString(writer, value)
    case 'number':
      return encodeNumber(writer, value)
    case 'boolean':
      return writer.uint8(value ? DataType.Boolean | trueFlag : DataType.Boolean)
    case 'bigint':
      return encodeInteger(writer, { type: 'int64', value })
    default:
      return encodeObject(writer, value)
  }
}

function encodeNumber(writer: Writer, value: number): void {
  checkWhole(value)
  writer.uint8(DataType.Int64)
  writeVarint(writer, value)
}

function encodeObject(writer: Writer, value: null | IpAddress | Uint8Array | TypedData): void {
  if (value === null) return writer.uint8(DataType.Null)
  if (value instanceof IpAddress) return encodeAddress(writer, value)
  if (value instanceof Uint8Array) {
    writer.uint8(DataType.Binary)
    return writeStringBytes(writer, value)
  }
  if (typeof value !== 'object' || !('type' in value)) {
    throw new SpopError('ERR_SPOP_VALUE', `${typeof value} has no SPOP type`, { fault: 'local' })
  }
  return encodeTypedData(writer, value)
}

/**
 * The typed data that {@link encodeValue} would write.
 * @throws SpopError `ERR_SPOP_VALUE` for what has no SPOP type.
 */
export function toTypedData(value: Value): TypedData {
  switch (typeof value) {
    case 'string':
      return new StringData(value)
    case 'number':
    case 'bigint':
      if (typeof value === 'number') checkWhole(value)
      return { type: 'int64', value }
    case 'boolean':
      return value ? trueData : falseData
    default:
      if (value === null) return nullData
      if (value instanceof IpAddress) return { type: value.family === 4 ? 'ipv4' : 'ipv6', value }
      if (value instanceof Uint8Array) return { type: 'binary', value: Buffer.from(value) }
      if (typeof value !== 'object' || !('type' in value)) {
        throw new SpopError('ERR_SPOP_VALUE', `${typeof value} has no SPOP type`, { fault: 'local' })
      }
      return value
  }
}
