import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  decodeBeginRequest,
  decodeEndRequest,
  decodeGetValues,
  decodeGetValuesResult,
  decodeUnknownType,
  encodeBeginRequest,
  encodeEndRequest,
  encodeGetValues,
  encodeParams,
  encodeRecord,
  encodeUnknownType,
  FcgiError,
  ParamsDecoder,
  RecordReader,
  RecordType,
  recordTypeName,
} from 'sluice/fcgi'
import type { ProtocolStatus } from 'sluice/fcgi'
import { Writer } from '#src/bytes/writer.js'
import { readVectors } from '../../support/hex.js'

type Plain = Record<string, unknown>

/** What the records in `chunks` mean, in the words of the vectors. PARAMS records are one entry for each stream. */
function decode(chunks: readonly Buffer[]): { records: Plain[]; midRecord: boolean } {
  const reader = new RecordReader()
  const records: Plain[] = []
  let params: ParamsDecoder | undefined
  for (const chunk of chunks) {
    reader.push(chunk)
    while (reader.next()) {
      const { type, id, bytes, start, end } = reader
      if (type !== RecordType.Params) {
        records.push({ type: recordTypeName(type), id, ...decodeContent(type, bytes, start, end) })
        continue
      }
      params ??= new ParamsDecoder({ maxParamsSize: 70_000, maxParams: 100 })
      if (start < end) params.push(reader.content())
      else {
        records.push({ type: 'PARAMS', id, pairs: [...params.finish()] })
        params = undefined
      }
    }
  }
  return { records, midRecord: reader.midRecord || params !== undefined }
}

function decodeContent(type: number, bytes: Buffer, start: number, end: number): object {
  switch (type) {
    case RecordType.BeginRequest:
      return decodeBeginRequest(bytes, start, end)
    case RecordType.AbortRequest:
      return {}
    case RecordType.EndRequest:
      return decodeEndRequest(bytes, start, end)
    case RecordType.GetValues:
      return { names: decodeGetValues(bytes, start, end) }
    case RecordType.GetValuesResult:
      return JSON.parse(JSON.stringify(decodeGetValuesResult(bytes, start, end))) as object
    case RecordType.UnknownType:
      return { unknown: decodeUnknownType(bytes, start, end) }
    default:
      return { content: bytes.toString('latin1', start, end) }
  }
}

function encode(record: Plain, writer: Writer): void {
  const id = record['id'] as number
  const content = () => Buffer.from(record['content'] as string, 'latin1')
  const streams = new Map<unknown, RecordType>([
    ['STDIN', RecordType.Stdin],
    ['STDOUT', RecordType.Stdout],
    ['STDERR', RecordType.Stderr],
    ['DATA', RecordType.Data],
  ])
  const stream = streams.get(record['type'])
  if (stream !== undefined) encodeRecord(writer, stream, id, content())
  else if (record['type'] === 'BEGIN_REQUEST') {
    encodeBeginRequest(writer, id, record['role'] as number, record['keepConn'] as boolean)
  } else if (record['type'] === 'ABORT_REQUEST') {
    encodeRecord(writer, RecordType.AbortRequest, id, Buffer.alloc(0))
  } else if (record['type'] === 'END_REQUEST') {
    encodeEndRequest(writer, id, record['appStatus'] as number, record['protocolStatus'] as ProtocolStatus)
  } else if (record['type'] === 'PARAMS') encodeParams(writer, id, record['pairs'] as [string, string][])
  else if (record['type'] === 'GET_VALUES') encodeGetValues(writer, record['names'] as string[])
  else if (record['type'] === 'UNKNOWN_TYPE') encodeUnknownType(writer, record['unknown'] as number)
  else assert.fail(`no encoder for ${String(record['type'])}`)
}

/** `{ repeat, times }` in a vector is a long text. */
function expand(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(expand)
  if (typeof value !== 'object' || value === null) return value
  if ('repeat' in value && 'times' in value) return (value.repeat as string).repeat(value.times as number)
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, expand(each)]))
}

/** Offsets worth cutting at: all of them, or the first and last hundred of a long vector. */
function offsets(length: number): number[] {
  const all = Array.from({ length: length - 1 }, (_, at) => at + 1)
  return length < 1000 ? all : all.filter((at) => at < 100 || at > length - 100)
}

const codeOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    if (error instanceof FcgiError) return error.code
    throw error
  }
  return 'none'
}

describe('vectors', () => {
  for (const { where, name, bytes, expected } of readVectors('test/fcgi/codec/wire')) {
    it(`${where} ${name}`, () => {
      if (expected.kind !== 'value') {
        assert.equal(
          codeOf(() => decode([bytes])),
          expected.code,
        )
        assert.equal(
          codeOf(() => decode([...bytes].map((byte) => Buffer.of(byte)))),
          expected.code,
          'byte by byte',
        )
        return
      }
      const records = expand(expected.value) as Plain[]
      const whole = { records, midRecord: false }
      assert.deepEqual(decode([bytes]), whole)
      for (const at of offsets(bytes.length)) {
        assert.deepEqual(decode([bytes.subarray(0, at), bytes.subarray(at)]), whole, `cut at ${at}`)
        // Cut off there: fewer records, and no error.
        const part = decode([bytes.subarray(0, at)])
        assert.deepEqual(part.records, records.slice(0, part.records.length))
        assert.ok(part.midRecord || part.records.length < records.length, `cut off at ${at}`)
      }
      if (bytes.length < 1000) {
        assert.deepEqual(decode([...bytes].map((byte) => Buffer.of(byte))), whole, 'byte by byte')
      }
      const rubbish = Buffer.concat([bytes, Buffer.from('rubbish!')])
      const reader = new RecordReader()
      reader.push(rubbish)
      assert.equal(
        codeOf(() => {
          while (reader.next());
        }),
        'ERR_FCGI_VERSION',
        'followed by rubbish',
      )
      assert.equal(decode([Buffer.concat([bytes, bytes])]).records.length, 2 * records.length)
      if (!expected.canonical) return
      const writer = new Writer(16)
      for (const record of records) encode(record, writer)
      assert.equal(writer.view().toString('hex'), bytes.toString('hex'))
    })
  }
})
