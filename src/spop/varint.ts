/**
 * Variable-length integers in the "peers" encoding (SPOE.txt 3.1): below 240 one byte; else the first byte keeps four
 * bits, and groups of seven bits follow, each level biased so that every value has exactly one form.
 * Ten bytes hold all 64 bits.
 *
 * There are two ways to read: lengths and counts are safe integers or an error; 64-bit values and ids may be larger
 * than a `number` holds and then come as `bigint`.
 */
import type { Reader } from '../bytes/reader.ts'
import type { Writer } from '../bytes/writer.ts'
import { show } from '../base/options.ts'
import { SpopError } from './errors.ts'

const maxBytes = 10
const maxUint64 = (1n << 64n) - 1n

/** Reads a length or a count. */
export function readVarint(reader: Reader): number {
  const first = reader.uint8()
  return first < 240 ? first : readLongVarint(reader, first, reader.at - 1)
}

function readLongVarint(reader: Reader, first: number, start: number): number {
  const value = readGroups(reader, first)
  if (value > Number.MAX_SAFE_INTEGER) {
    throw new SpopError('ERR_SPOP_VARINT', `a length of ${value} at byte ${start}`)
  }
  return value
}

/** The value as a double: exact up to 2^53, merely large beyond. */
function readGroups(reader: Reader, first: number): number {
  let value = first
  let factor = 16
  for (let count = 1; count < maxBytes; count++) {
    const byte = reader.uint8()
    value += byte * factor
    if (byte < 128) return value
    factor *= 128
  }
  throw new SpopError('ERR_SPOP_VARINT', `longer than ${maxBytes} bytes, at byte ${reader.at - maxBytes}`)
}

/** Reads an id or an unsigned 64-bit value: a `number` when that is exact, else a `bigint`. */
export function readVarint64(reader: Reader): number | bigint {
  const first = reader.uint8()
  if (first < 240) return first
  const start = reader.at
  const value = readGroups(reader, first)
  return value <= Number.MAX_SAFE_INTEGER ? value : readBigGroups(reader, first, start)
}

function readBigGroups(reader: Reader, first: number, start: number): bigint {
  let value = BigInt(first)
  let shift = 4n
  for (let at = start; at < reader.at; at++) {
    value += BigInt(reader.bytes[at] as number) << shift // readGroups() has read up to here
    shift += 7n
  }
  if (value > maxUint64) throw new SpopError('ERR_SPOP_VARINT', `over 64 bits, at byte ${start - 1}`)
  return value
}

/** Moves past a varint without decoding it. */
export function skipVarint(reader: Reader): void {
  if (reader.uint8() < 240) return
  for (let count = 1; count < maxBytes; count++) if (reader.uint8() < 128) return
  throw new SpopError('ERR_SPOP_VARINT', `longer than ${maxBytes} bytes, at byte ${reader.at - maxBytes}`)
}

/**
 * Writes a whole number. Negative ones are written as their 64-bit two's complement, as HAProxy does (`-1` takes
 * ten bytes).
 * @throws SpopError `ERR_SPOP_VALUE` for a number that is not a safe integer, or a bigint over 64 bits.
 */
export function writeVarint(writer: Writer, value: number | bigint): void {
  if (typeof value === 'bigint') writeBigVarint(writer, value)
  else if (typeof value !== 'number') checkWhole(value)
  else if (value >= 0 && value < 240) writer.uint8(checkWhole(value))
  else if (value >= 0) writeLongVarint(writer, checkWhole(value))
  else writeBigVarint(writer, BigInt(checkWhole(value)))
}

/** @throws SpopError `ERR_SPOP_VALUE` for anything but a safe integer. */
export function checkWhole(value: number): number {
  if (Number.isSafeInteger(value)) return value
  throw new SpopError('ERR_SPOP_VALUE', `${show(value)} is not a safe whole number`, { fault: 'local' })
}

function writeLongVarint(writer: Writer, value: number): void {
  writer.uint8((value % 16) | 240)
  let rest = Math.floor((value - 240) / 16)
  while (rest >= 128) {
    writer.uint8((rest % 128) | 128)
    rest = Math.floor((rest - 128) / 128)
  }
  writer.uint8(rest)
}

function writeBigVarint(writer: Writer, value: bigint): void {
  if (value > maxUint64 || value < -(1n << 63n)) {
    throw new SpopError('ERR_SPOP_VALUE', `${value} does not fit 64 bits`, { fault: 'local' })
  }
  const unsigned = BigInt.asUintN(64, value)
  if (unsigned <= BigInt(Number.MAX_SAFE_INTEGER)) return writeVarint(writer, Number(unsigned))
  writer.uint8(Number(unsigned & 15n) | 240)
  let rest = (unsigned - 240n) >> 4n
  while (rest >= 128n) {
    writer.uint8(Number(rest & 127n) | 128)
    rest = (rest - 128n) >> 7n
  }
  writer.uint8(Number(rest))
}
