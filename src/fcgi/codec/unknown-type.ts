/** UNKNOWN_TYPE (section 4.2): what an application answers to a management record that it does not know. */
import type { Writer } from '../../bytes/writer.ts'
import { FcgiError } from '../errors.ts'
import { encodeRecordHeader, managementId, RecordType } from './record.ts'

const bodySize = 8

/** Writes the record; `type` is the one that was not known. */
export function encodeUnknownType(writer: Writer, type: number): void {
  encodeRecordHeader(writer, RecordType.UnknownType, managementId, bodySize)
  writer.uint8(type)
  writer.uint8(0)
  writer.uint16(0)
  writer.uint32(0)
}

/**
 * The type that was not known.
 * @throws FcgiError `ERR_FCGI_BODY_SIZE`
 */
export function decodeUnknownType(bytes: Buffer, start = 0, end: number = bytes.length): number {
  if (end - start !== bodySize) throw new FcgiError('ERR_FCGI_BODY_SIZE', `UNKNOWN_TYPE with ${end - start}`)
  return bytes[start] as number // eight bytes are there
}
