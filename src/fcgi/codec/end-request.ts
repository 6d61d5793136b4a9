/** END_REQUEST (section 5.5): how the application ended, and how the protocol did. */
import type { Writer } from '../../bytes/writer.ts'
import { checkInteger, checkRange } from '../arguments.ts'
import { FcgiError } from '../errors.ts'
import { encodeRecordHeader, RecordType } from './record.ts'

/** How a request ended as far as the protocol goes. All but the first mean that it was not run. */
export const ProtocolStatus = {
  RequestComplete: 0,
  CantMpxConn: 1,
  Overloaded: 2,
  UnknownRole: 3,
} as const
export type ProtocolStatus = (typeof ProtocolStatus)[keyof typeof ProtocolStatus]

/** The content of END_REQUEST. */
export interface EndRequest {
  /** What the program would have given to exit(): 0 to 4294967295. */
  readonly appStatus: number
  /** A {@link ProtocolStatus}, or a number that is none. */
  readonly protocolStatus: number
}

const bodySize = 8

/**
 * Writes the record.
 * @throws FcgiError `ERR_FCGI_RECORD_SIZE`; UsageError `ERR_SLUICE_OPTION`.
 */
export function encodeEndRequest(
  writer: Writer,
  id: number,
  appStatus: number,
  protocolStatus: ProtocolStatus,
): void {
  checkInteger('appStatus', appStatus, 0xffff_ffff)
  checkInteger('protocolStatus', protocolStatus, 0xff)
  encodeRecordHeader(writer, RecordType.EndRequest, id, bodySize)
  writer.uint32(appStatus)
  writer.uint8(protocolStatus)
  writer.uint8(0)
  writer.uint16(0)
}

/**
 * Reads the content at `start` … `end`.
 * @throws FcgiError `ERR_FCGI_BODY_SIZE`; UsageError `ERR_SLUICE_OPTION`.
 */
export function decodeEndRequest(bytes: Buffer, start = 0, end?: number): EndRequest {
  const size = checkRange(bytes, start, end) - start
  if (size !== bodySize) throw new FcgiError('ERR_FCGI_BODY_SIZE', `END_REQUEST with ${size}`)
  return {
    appStatus: bytes.readUInt32BE(start),
    protocolStatus: bytes[start + 4] as number, // eight bytes are there
  }
}
