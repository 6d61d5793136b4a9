/** From the wire to the types of arguments. */
import { Buffer } from 'node:buffer'
import type { LastText } from '../../bytes/last-text.ts'
import type { Reader } from '../../bytes/reader.ts'
import { IpAddress } from '../../net/ip-address.ts'
import { decodeTypedData, DataType, readIpv6, readSigned } from '../../spop/typed-data.ts'
import { readVarint, readVarint64 } from '../../spop/varint.ts'
import type { ArgumentType } from './types.ts'

/** The value on the wire is not of the wanted type. */
export const mismatch = Symbol('mismatch')

/** The value of a declared argument, at whose type `reader` stands; {@link mismatch}, with the reader anywhere behind it. */
export function readArgument(reader: Reader, type: ArgumentType, text: LastText): unknown {
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

/** In words. */
export const knownTypes = Object.keys(readers).join(', ')

export function isArgumentType(text: string): text is ArgumentType {
  return Object.hasOwn(readers, text)
}

/** Whether its values are immutable: the same one may be given to several handlers. */
export function isKept(type: ArgumentType): boolean {
  return type !== 'binary' && type !== 'any'
}
