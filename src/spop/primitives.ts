/**
 * The primitives of the wire format for callers from outside: the functions of varint.ts, typed-data.ts and frame-head.ts
 * with their reader or writer checked. Inside they are called once for each value, and always with the right ones.
 */
import type { Reader } from '../bytes/reader.ts'
import type { Writer } from '../bytes/writer.ts'
import { refuseArgument } from '../base/options.ts'
import { checkReader, checkWriter } from './arguments.ts'
import * as frames from './frame-head.ts'
import * as values from './typed-data.ts'
import * as varints from './varint.ts'

/**
 * Reads a length or a count.
 * @throws SpopError `ERR_SPOP_TRUNCATED`, `ERR_SPOP_VARINT`; UsageError `ERR_SLUICE_OPTION` for what is no reader.
 */
export function readVarint(reader: Reader): number {
  checkReader(reader)
  return varints.readVarint(reader)
}

/**
 * Reads an id or an unsigned 64-bit value: a `number` when that is exact, else a `bigint`.
 * @throws SpopError `ERR_SPOP_TRUNCATED`, `ERR_SPOP_VARINT`; UsageError `ERR_SLUICE_OPTION` for what is no reader.
 */
export function readVarint64(reader: Reader): number | bigint {
  checkReader(reader)
  return varints.readVarint64(reader)
}

/**
 * Writes a whole number. Negative ones are written as their 64-bit two's complement, as HAProxy does (`-1` takes
 * ten bytes).
 * @throws SpopError `ERR_SPOP_VALUE` for a number that is not a safe integer, or a bigint over 64 bits; UsageError
 * `ERR_SLUICE_OPTION` for what is no writer.
 */
export function writeVarint(writer: Writer, value: number | bigint): void {
  checkWriter(writer)
  varints.writeVarint(writer, value)
}

/**
 * Reads one typed value. Flags that the type does not define are ignored, as HAProxy does.
 * @throws SpopError `ERR_SPOP_TRUNCATED`, `ERR_SPOP_VARINT`, `ERR_SPOP_DATA_TYPE`; UsageError `ERR_SLUICE_OPTION` for what is no
 * reader.
 */
export function decodeTypedData(reader: Reader): values.TypedData {
  checkReader(reader)
  return values.decodeTypedData(reader)
}

/**
 * Writes one typed value.
 * @throws SpopError `ERR_SPOP_VALUE` when an integer does not fit its type, the type is not one of the ten, or the value
 * is not of its type; UsageError `ERR_SLUICE_OPTION` for what is no writer.
 */
export function encodeTypedData(writer: Writer, data: values.TypedData): void {
  checkWriter(writer)
  values.encodeTypedData(writer, data)
}

/**
 * Writes a plain JavaScript value: whole numbers and bigints as INT64 (the type that HAProxy itself uses), text as
 * STRING in UTF-8, bytes as BINARY, null as NULL (which unsets a variable), typed data as it says.
 * @throws SpopError `ERR_SPOP_VALUE` for a fraction, NaN, an integer over 64 bits signed, or what has no SPOP type; UsageError
 * `ERR_SLUICE_OPTION` for what is no writer.
 */
export function encodeValue(writer: Writer, value: values.Value): void {
  checkWriter(writer)
  values.encodeValue(writer, value)
}

/**
 * Reads type, flags and ids: `reader` stands behind the length.
 * @throws SpopError `ERR_SPOP_TRUNCATED`, `ERR_SPOP_VARINT`; UsageError `ERR_SLUICE_OPTION`.
 */
export function readFrameHead(reader: Reader, head: frames.FrameHead): void {
  checkReader(reader)
  if (!(head instanceof frames.FrameHead)) refuseArgument('the head', 'must be a FrameHead', head)
  frames.readFrameHead(reader, head)
}
