/**
 * Name-value pairs (section 3.4): both lengths, then both texts. A length up to 127 takes one byte, a longer one four
 * with the top bit set. There is no terminator.
 */
import type { Writer } from '../../bytes/writer.ts'
import { checkFunction, checkRange } from '../arguments.ts'
import { FcgiError } from '../errors.ts'

/** Where a pair is within the bytes it was read from. */
export type OnPair = (
  bytes: Buffer,
  nameStart: number,
  nameEnd: number,
  valueStart: number,
  valueEnd: number,
) => void

/** Bytes that a length takes. */
export function lengthSize(length: number): 1 | 4 {
  return length < 128 ? 1 : 4
}

/** Writes one length, of at most 31 bits. */
export function encodeLength(writer: Writer, length: number): void {
  if (length < 128) writer.uint8(length)
  else writer.uint32(length | 0x8000_0000)
}

/**
 * Reads the pairs that lie between `start` and `end`, and never looks further. A four-byte encoding of a small length is
 * accepted.
 * @throws FcgiError `ERR_FCGI_TRUNCATED` when a pair does not end where the bytes do; UsageError `ERR_SLUICE_OPTION`.
 */
export function decodePairs(bytes: Buffer, start: number, end: number, onPair: OnPair): void {
  checkRange(bytes, start, end)
  checkFunction('onPair', onPair)
  let at = start
  while (at < end) {
    const nameSize = lengthAt(bytes, at, end)
    at += (bytes[at] as number) < 128 ? 1 : 4 // lengthAt has checked the bound
    const valueSize = lengthAt(bytes, at, end)
    at += (bytes[at] as number) < 128 ? 1 : 4
    // Two lengths of 31 bits: their sum is exact as a number, and wraps in 32 bits.
    const next = at + nameSize + valueSize
    if (next > end)
      throw new FcgiError('ERR_FCGI_TRUNCATED', `a pair wants ${nameSize}+${valueSize}, has ${end - at}`)
    onPair(bytes, at, at + nameSize, at + nameSize, next)
    at = next
  }
}

function lengthAt(bytes: Buffer, at: number, end: number): number {
  const first = at < end ? (bytes[at] as number) : undefined // within bounds
  if (first === undefined || (first >= 128 && end - at < 4)) {
    throw new FcgiError('ERR_FCGI_TRUNCATED', 'the length of a name or a value')
  }
  return first < 128 ? first : bytes.readUInt32BE(at) & 0x7fff_ffff
}
