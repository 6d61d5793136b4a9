/**
 * The bytes of a recording (docs/replay.md): a signature, then records. A record is its length and the CRC-32 of its body, four
 * bytes each, and the body: a byte for its kind, then what that kind has. Numbers are varints of SPOP, and payloads are those of
 * NOTIFY and ACK as they are on the wire: what is compared later is what was said, not what was understood.
 */
import { Buffer } from 'node:buffer'
import { crc32 } from 'node:zlib'
import type { Framing } from '../bytes/frame-splitter.ts'
import { Reader } from '../bytes/reader.ts'
import type { Writer } from '../bytes/writer.ts'
import { readVarint, writeVarint } from '../spop/primitives.ts'
import { RecordingError } from './errors.ts'

/** What a file begins with. The number is that of the format. */
export const signature = Buffer.from('SLUICE-RECORDING 1\n')

/** The first bytes of each record. */
const headSize = 8
/** A NOTIFY has at most a megabyte by default; what claims more than this is no length. */
const mostSize = 0x400_0000

/** Kinds of records, by their first byte. */
const Kind = { Begin: 1, Source: 2, Exchange: 3, Lost: 4, End: 5 } as const

/** Why a file ends: its recorder was closed, goes on in the next file, or may write no more. */
const endings = ['closed', 'continued', 'full'] as const

/** One of {@link endings}. */
export type Ending = (typeof endings)[number]

/** Begins each file. */
export interface BeginRecord {
  readonly type: 'begin'
  /** When the times of the exchanges begin, in milliseconds since 1970. */
  readonly startedAt: number
  /** 1, 2, 3, … where one recorder writes several files. */
  readonly part: number
  /** Arguments and variables whose values were left out; `*` stands for all. */
  readonly omitted: readonly string[]
}

/** Names a source, such as a SPOE agent of a configuration, before its first exchange. */
export interface SourceRecord {
  readonly type: 'source'
  readonly source: number
  readonly name: string
}

/** One NOTIFY and what came of it. */
export interface ExchangeRecord {
  readonly type: 'exchange'
  readonly source: number
  /** Exchanges of one client's stream share a number; 0: it was none of a stream. */
  readonly stream: number
  /** Microseconds after `startedAt`. */
  readonly start: number
  /** Microseconds until the outcome. */
  readonly process: number
  /** Microseconds from the NOTIFY to the ACK; undefined when none came. */
  readonly wait: number | undefined
  /** As `Outcome.status`: 0 when the agent answered. */
  readonly status: number
  /** The payload of the NOTIFY. */
  readonly messages: Buffer
  /** The payload of the ACK. */
  readonly actions: Buffer
}

/** So many exchanges are missing here: the disk was slower than they came. */
export interface LostRecord {
  readonly type: 'lost'
  readonly count: number
}

/** The last one of a file that was ended in order. */
export interface EndRecord {
  readonly type: 'end'
  readonly why: Ending
}

/** One record. */
export type FileRecord = BeginRecord | SourceRecord | ExchangeRecord | LostRecord | EndRecord

/** Writes one record. */
export function encodeRecord(writer: Writer, record: FileRecord): void {
  const start = writer.reserve(headSize)
  encodeBody(writer, record)
  const body = writer.bytes.subarray(start + headSize, writer.at)
  writer.patchUint32(start, body.length)
  writer.patchUint32(start + 4, crc32(body))
}

function encodeBody(writer: Writer, record: FileRecord): void {
  switch (record.type) {
    case 'begin': {
      const { startedAt, part, omitted } = record
      writer.uint8(Kind.Begin)
      return writer.text(JSON.stringify({ startedAt, part, omitted }))
    }
    case 'source':
      writer.uint8(Kind.Source)
      writeVarint(writer, record.source)
      return writer.text(record.name)
    case 'exchange':
      return encodeExchange(writer, record)
    case 'lost':
      writer.uint8(Kind.Lost)
      return writeVarint(writer, record.count)
    case 'end':
      writer.uint8(Kind.End)
      return writer.uint8(endings.indexOf(record.why))
  }
}

function encodeExchange(writer: Writer, record: ExchangeRecord): void {
  const { source, stream, start, process, wait, status, messages, actions } = record
  writer.uint8(Kind.Exchange)
  for (const number of [source, stream, start, process, wait === undefined ? 0 : wait + 1, status]) {
    writeVarint(writer, number)
  }
  writeVarint(writer, messages.length)
  writer.copy(messages)
  writer.copy(actions)
}

/** How a recording is cut into records. */
export const recordFraming: Framing = {
  headerSize: headSize,
  sizeAt(bytes, at) {
    const size = bytes.readUInt32BE(at)
    if (size > 0 && size <= mostSize) return size + headSize
    throw new RecordingError('ERR_RECORDING_DAMAGED', `a record of ${size} bytes`)
  },
}

function onTruncated(): never {
  throw new RecordingError('ERR_RECORDING_DAMAGED', 'a record is shorter than what is in it')
}

/**
 * The record at `start`, which ends at `end`. Payloads are views of `bytes`.
 * @throws RecordingError `ERR_RECORDING_DAMAGED`. Undefined: of a kind that a later version has added.
 */
export function decodeRecord(bytes: Buffer, start: number, end: number): FileRecord | undefined {
  const body = bytes.subarray(start + headSize, end)
  if (crc32(body) !== bytes.readUInt32BE(start + 4)) {
    throw new RecordingError('ERR_RECORDING_DAMAGED', 'the check sum of a record is wrong')
  }
  const reader = new Reader(onTruncated, body)
  switch (reader.uint8()) {
    case Kind.Begin:
      return decodeBegin(reader.utf8(reader.remaining))
    case Kind.Source:
      return { type: 'source', source: readVarint(reader), name: reader.utf8(reader.remaining) }
    case Kind.Exchange:
      return decodeExchange(reader)
    case Kind.Lost:
      return { type: 'lost', count: readVarint(reader) }
    case Kind.End:
      return { type: 'end', why: endings[reader.uint8()] ?? 'closed' }
    default:
      return undefined
  }
}

function decodeBegin(text: string): BeginRecord {
  const { startedAt, part, omitted } = JSON.parse(text) as Omit<BeginRecord, 'type'> // its check sum is right
  return { type: 'begin', startedAt, part, omitted }
}

function decodeExchange(reader: Reader): ExchangeRecord {
  const source = readVarint(reader)
  const stream = readVarint(reader)
  const start = readVarint(reader)
  const process = readVarint(reader)
  const wait = readVarint(reader)
  const status = readVarint(reader)
  const messages = reader.view(readVarint(reader))
  const actions = reader.view(reader.remaining)
  const waited = wait === 0 ? undefined : wait - 1
  return { type: 'exchange', source, stream, start, process, wait: waited, status, messages, actions }
}
