/** UNKNOWN_TYPE (section 4.2): what an application answers to a management record that it does not know. */
import type { Writer } from '../../bytes/writer.ts'
import { checkInteger, checkRange } from '../arguments.ts'
import { FcgiError } from '../errors.ts'
import { encodeRecordHeader, managementId, RecordType } from './record.ts'

const bodySize = 8

/**
 * Writes the record; `type` is the one that was not known.
 * @throws UsageError `ERR_SLUICE_OPTION`.
 */
export function encodeUnknownType(writer: Writer, type: number): void {
  checkInteger('the type', type, 0xff)
  encodeRecordHeader(writer, RecordType.UnknownType, managementId, bodySize)
  writer.uint8(type)
  writer.uint8(0)
  writer.uint16(0)
  writer.uint32(0)
}

/**
 * The type that was not known.
 * @throws FcgiError `ERR_FCGI_BODY_SIZE`; UsageError `ERR_SLUICE_OPTION`.
 */
export function decodeUnknownType(bytes: Buffer, start = 0, end?: number): number {
  const size = checkRange(bytes, start, end) - start
  if (size !== bodySize) throw new FcgiError('ERR_FCGI_BODY_SIZE', `UNKNOWN_TYPE with ${size}`)
  return bytes[start] as number // eight bytes are there
}
