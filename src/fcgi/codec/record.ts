/**
 * Records: an 8-byte header, content and padding (FastCGI 1.0, section 3.3). Everything on the wire is a record; all
 * numbers are big-endian.
 */
import { Buffer } from 'node:buffer'
import { FrameSplitter } from '../../bytes/frame-splitter.ts'
import type { Framing } from '../../bytes/frame-splitter.ts'
import type { Writer } from '../../bytes/writer.ts'
import { show } from '../../base/options.ts'
import { checkBuffer, checkBytes, checkInteger, checkWriter } from '../arguments.ts'
import { FcgiError } from '../errors.ts'
import { uint16At } from '../../bytes/uint.ts'

/** The one version there is. */
export const fcgiVersion = 1

/** Bytes of a record's header. */
export const headerSize = 8

/** Largest content of a record; php-fpm wants the padding to be within it too. */
export const maxContentSize = 0xffff

/**
 * Most content that is put into one record of a stream: the largest multiple of eight, so that no padding is needed and
 * content plus padding stays below 65536.
 */
export const streamContentSize = 0xfff8

/** The request id of management records. */
export const managementId = 0

/** Section 8, the record types. */
export const RecordType = {
  BeginRequest: 1,
  AbortRequest: 2,
  EndRequest: 3,
  Params: 4,
  Stdin: 5,
  Stdout: 6,
  Stderr: 7,
  Data: 8,
  GetValues: 9,
  GetValuesResult: 10,
  UnknownType: 11,
} as const
export type RecordType = (typeof RecordType)[keyof typeof RecordType]

const typeNames = [
  'BEGIN_REQUEST',
  'ABORT_REQUEST',
  'END_REQUEST',
  'PARAMS',
  'STDIN',
  'STDOUT',
  'STDERR',
  'DATA',
  'GET_VALUES',
  'GET_VALUES_RESULT',
  'UNKNOWN_TYPE',
]

/** The name of a record type as the specification writes it. @throws UsageError `ERR_SLUICE_OPTION`. */
export function recordTypeName(type: number): string {
  checkInteger('the type', type, 0xff)
  return typeNames[type - 1] ?? `type ${type}`
}

/**
 * Writes the header of a record: the one place that does. The caller writes `contentSize` bytes of content and
 * `paddingSize` zeroes behind it.
 * @throws FcgiError `ERR_FCGI_RECORD_SIZE`: a length that does not fit its field would be cut, and what is behind it would
 * be read as records of somebody else's making; UsageError `ERR_SLUICE_OPTION`.
 */
export function encodeRecordHeader(
  writer: Writer,
  type: RecordType,
  id: number,
  contentSize: number,
  paddingSize = 0,
): void {
  checkWriter(writer)
  checkSizes(id, contentSize, paddingSize)
  checkInteger('the type', type, 0xff)
  const at = writer.reserve(headerSize)
  writeHeader(writer.bytes, at, type, id, contentSize, paddingSize)
}

/** {@link encodeRecordHeader} into bytes that are there already. */
export function putRecordHeader(
  bytes: Buffer,
  at: number,
  type: RecordType,
  id: number,
  contentSize: number,
  paddingSize = 0,
): void {
  checkSizes(id, contentSize, paddingSize)
  writeHeader(bytes, at, type, id, contentSize, paddingSize)
}

function writeHeader(
  bytes: Buffer,
  at: number,
  type: RecordType,
  id: number,
  contentSize: number,
  paddingSize: number,
): void {
  bytes[at] = fcgiVersion
  bytes[at + 1] = type
  bytes[at + 2] = id >>> 8
  bytes[at + 3] = id
  bytes[at + 4] = contentSize >>> 8
  bytes[at + 5] = contentSize
  bytes[at + 6] = paddingSize
  bytes[at + 7] = 0
}

function checkSizes(id: number, contentSize: number, paddingSize: number): void {
  const right =
    isBetween(id, 0xffff) &&
    isBetween(paddingSize, 255) &&
    isBetween(contentSize, maxContentSize) &&
    contentSize + paddingSize <= maxContentSize
  if (!right) {
    const detail = `id ${show(id)}, content ${show(contentSize)}, padding ${show(paddingSize)}`
    throw new FcgiError('ERR_FCGI_RECORD_SIZE', detail)
  }
}

function isBetween(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max
}

/** How many zeroes make `contentSize` a multiple of eight, as far as a record of that content has room for them. */
export function paddingFor(contentSize: number): number {
  return Math.min(-contentSize & 7, maxContentSize - contentSize)
}

/** Writes a record whole: header, content, and padding to a multiple of eight when `align` is set. */
export function encodeRecord(
  writer: Writer,
  type: RecordType,
  id: number,
  content: Uint8Array,
  align = false,
): void {
  checkBytes('the content', content)
  const padding = align ? paddingFor(content.length) : 0
  encodeRecordHeader(writer, type, id, content.length, padding)
  if (content.length > 0) writer.copy(content)
  if (padding > 0) writeZeroes(writer, padding)
}

/** Appends zeroes: the memory of a writer is not clean, and what it held would leak to the peer. */
export function writeZeroes(writer: Writer, count: number): void {
  const at = writer.reserve(count)
  writer.bytes.fill(0, at, at + count)
}

/**
 * Where a record ends. Content and padding are added as plain numbers: 65535 + 255 must not wrap to a small size, or the
 * rest of the content would be read as records.
 */
export const recordFraming: Framing = {
  headerSize,
  sizeAt(bytes, at) {
    checkBuffer('the bytes', bytes)
    checkInteger('the place', at, bytes.length - headerSize)
    return sizeAt(bytes, at)
  },
}

function sizeAt(bytes: Buffer, at: number): number {
  const version = bytes[at]
  if (version !== fcgiVersion) {
    throw new FcgiError('ERR_FCGI_VERSION', `0x${(version ?? 0).toString(16).padStart(2, '0')}`)
  }
  return headerSize + uint16At(bytes, at + 4) + (bytes[at + 6] as number) // the header is there
}

const nothing = Buffer.alloc(0)

/**
 * Reads records out of chunks: `push` a chunk, then call `next` until it answers false. The fields describe the current
 * record, and its content is `bytes` from `start` to `end`.
 */
export class RecordReader {
  /** A {@link RecordType}, or a number that no document names. */
  type = 0
  /** The id of its request; 0 is the connection itself. */
  id = 0
  /** The buffer that the content is in. */
  bytes: Buffer = nothing
  /** Where the content begins. */
  start = 0
  /** Where the content ends, without the padding. */
  end = 0
  readonly #splitter = new FrameSplitter({ headerSize, sizeAt })

  /** Whether part of a record is waiting for the rest. */
  get midRecord(): boolean {
    return this.#splitter.midFrame
  }

  /** Whether nothing but whole records is left of the chunk behind the current one. */
  get endsWhole(): boolean {
    return this.#splitter.endsWhole
  }

  /** @throws UsageError `ERR_SLUICE_OPTION`. */
  push(chunk: Buffer): void {
    checkBuffer('the chunk', chunk)
    this.#splitter.push(chunk)
  }

  /** Behind it the memory of the chunk may be written again, and the current record is none any more. */
  keepRest(): void {
    this.#splitter.keepRest()
  }

  /** @throws FcgiError `ERR_FCGI_VERSION`; the connection has no boundaries left then. */
  next(): boolean {
    const splitter = this.#splitter
    if (!splitter.next()) return false
    const { bytes, start } = splitter
    this.bytes = bytes
    this.type = bytes[start + 1] as number // a frame is never shorter than its header
    this.id = uint16At(bytes, start + 2)
    this.start = start + headerSize
    this.end = this.start + uint16At(bytes, start + 4)
    return true
  }

  /** Bytes of content. */
  get size(): number {
    return this.end - this.start
  }

  /** A view of the content; it pins the chunk that it came in. */
  content(): Buffer {
    return this.end === this.start ? nothing : this.bytes.subarray(this.start, this.end)
  }
}
