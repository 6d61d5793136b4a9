/** BEGIN_REQUEST (section 5.1): role and flags, and five bytes that must be zero. */
import type { Writer } from '../../bytes/writer.ts'
import { checkFlag, checkInteger, checkRange } from '../arguments.ts'
import { FcgiError } from '../errors.ts'
import { encodeRecordHeader, RecordType } from './record.ts'

/** What the application is asked to be (section 6). */
export const Role = { Responder: 1, Authorizer: 2, Filter: 3 } as const
export type Role = (typeof Role)[keyof typeof Role]

/** Bits of {@link BeginRequest} `flags`. */
export const BeginFlag = {
  /** The application leaves the connection open after the request. */
  KeepConn: 1,
} as const

/** The content of BEGIN_REQUEST. `role` is a {@link Role} or a number that is none. */
export interface BeginRequest {
  /** What the application is asked to be. */
  readonly role: number
  /** Whether the connection stays open behind the request. */
  readonly keepConn: boolean
}

const bodySize = 8

/**
 * Writes the record.
 * @throws FcgiError `ERR_FCGI_RECORD_SIZE`; UsageError `ERR_SLUICE_OPTION`.
 */
export function encodeBeginRequest(writer: Writer, id: number, role: number, keepConn: boolean): void {
  checkInteger('the role', role, 0xffff)
  checkFlag('keepConn', keepConn)
  encodeRecordHeader(writer, RecordType.BeginRequest, id, bodySize)
  writer.uint16(role)
  writer.uint8(keepConn ? BeginFlag.KeepConn : 0)
  writer.uint8(0)
  writer.uint32(0)
}

/**
 * Reads the content at `start` … `end`; bits and bytes that have no meaning are skipped.
 * @throws FcgiError `ERR_FCGI_BODY_SIZE`; UsageError `ERR_SLUICE_OPTION`.
 */
export function decodeBeginRequest(bytes: Buffer, start = 0, end?: number): BeginRequest {
  const size = checkRange(bytes, start, end) - start
  if (size !== bodySize) throw new FcgiError('ERR_FCGI_BODY_SIZE', `BEGIN_REQUEST with ${size}`)
  return {
    role: bytes.readUInt16BE(start),
    keepConn: ((bytes[start + 2] as number) & BeginFlag.KeepConn) !== 0, // eight bytes are there
  }
}
