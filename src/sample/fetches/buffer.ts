/** Fetches of the bytes in a buffer, and of its end (configuration.txt 7.3.5). */
import type { Arguments } from '../arguments.ts'
import type { BuildContext } from '../build-context.ts'
import { parseInteger } from '../int64.ts'
import type { SampleSource } from '../checkpoint.ts'
import type { SampleRequest, SampleResponse, Stream } from '../stream.ts'
import type { SampleValue } from '../value.ts'
import { bin, bool, sint } from '../value.ts'
import type { Fetch, FetchSpec } from './spec.ts'
import { always, plain } from './spec.ts'

const defaultBufferSize = 16_384

type BufferOf = (stream: Stream) => Buffer | undefined

const requestBuffer: BufferOf = (stream) => stream.requestBuffer
const responseBuffer: BufferOf = (stream) => stream.responseBuffer
const eitherBuffer: BufferOf = (stream) =>
  stream.direction === 'request' ? stream.requestBuffer : stream.responseBuffer

/** In HTTP mode the size of HAProxy's inner form of a message: 20 bytes for a start line, one for the end of the headers. */
function messageLength(startLine: number, { headers, body }: SampleRequest | SampleResponse): number {
  let length = 20 + 'HTTP/1.1'.length + startLine + 1 + (body?.length ?? 0)
  for (const [name, value] of headers) length += name.length + value.length
  return length
}

function requestLength({ requestBuffer, request }: Stream): number {
  if (requestBuffer !== undefined) return requestBuffer.length
  return request === undefined ? 0 : messageLength(request.method.length + request.target.length, request)
}

function responseLength({ responseBuffer, response }: Stream): number {
  if (responseBuffer !== undefined) return responseBuffer.length
  return response === undefined ? 0 : messageLength(3 + response.reason.length, response)
}

/** The span of bytes that a fetch wants: `partial` while it cannot be known, `none` when it can never be there. */
type Span = readonly [from: number, to: number] | 'partial' | 'none'

/** A sample once all bytes of the span are there; a span that is open may still grow. */
function spanFetch(
  from: BufferOf,
  bufferSize: number,
  spanOf: (buffer: Buffer) => Span,
  open: boolean,
): Fetch {
  const read = (stream: Stream): SampleValue | 'partial' | 'none' => {
    const buffer = from(stream)
    const span = buffer === undefined ? 'none' : spanOf(buffer)
    if (buffer === undefined || typeof span === 'string') return span === 'partial' ? 'partial' : 'none'
    // What no buffer can hold will never be there.
    if (span[1] > bufferSize) return 'none'
    return span[1] > buffer.length ? 'partial' : bin(buffer.subarray(span[0], open ? buffer.length : span[1]))
  }
  return {
    one: (stream) => {
      const found = read(stream)
      return typeof found === 'string' ? undefined : found
    },
    mayChange: (stream) => {
      const found = read(stream)
      return found === 'partial' || (open && found !== 'none')
    },
  }
}

/** `smp_fetch_payload` in src/payload.c. */
function buildPayload(from: BufferOf): FetchSpec['build'] {
  return (args, { bufferSize = defaultBufferSize }) => {
    const offset = args.count32(0) ?? 0
    const length = args.count32(1) ?? 0
    if (offset < 0) return args.wrong(0, 'the offset must not be negative')
    if (length < 0) return args.wrong(1, 'the length must not be negative')
    return spanFetch(from, bufferSize, () => [offset, offset + length], length === 0)
  }
}

/** The third argument: a position, or one that counts from behind the length when it has a sign. */
function readPosition(args: Arguments, end: number): number | undefined {
  const written = args.text(2) ?? ''
  if (written === '') return end
  const number = parseInteger(written)
  if (typeof number !== 'number') return args.wrong(2, `the offset '${written}' is not a number`)
  const position = /^[+-]/.test(written) ? end + number : number
  return position < 0 ? args.wrong(2, `the offset '${written}' leads before the first byte`) : position
}

/** `smp_fetch_payload_lv` in src/payload.c. */
function buildPayloadOfLength(from: BufferOf): FetchSpec['build'] {
  return (args: Arguments, { bufferSize = defaultBufferSize }: BuildContext) => {
    const offset = args.count32(0) ?? 0
    const size = args.count32(1) ?? 0
    if (offset < 0) return args.wrong(0, 'the offset must not be negative')
    if (size < 1) return args.wrong(1, 'the length must be written in one byte at least')
    // HAProxy keeps the last 32 bits of what is written in more.
    const digits = Math.min(size, 4)
    const start = readPosition(args, offset + size)
    if (start === undefined) return undefined
    const spanOf = (buffer: Buffer): Span => {
      if (offset + size > buffer.length) return 'partial'
      const length = buffer.readUIntBE(offset + size - digits, digits)
      return length === 0 ? 'none' : [start, start + length]
    }
    return spanFetch(from, bufferSize, spanOf, false)
  }
}

const span = [
  { name: 'offset', type: 'sint' },
  { name: 'length', type: 'sint' },
] as const

const lengthSpan = [
  { name: 'offset1', type: 'sint' },
  { name: 'length', type: 'sint' },
  { name: 'offset2', type: 'str', optional: true },
] as const

/** `payload` and `payload_lv` of one side. */
function payloads(
  prefix: string,
  from: BufferOf,
  needs: readonly SampleSource[],
  whose: string,
): FetchSpec[] {
  return [
    {
      name: `${prefix}payload`,
      args: span,
      type: 'bin',
      needs,
      doc: `Bytes of the ${whose} in TCP mode; length 0 is all that is there.`,
      build: buildPayload(from),
    },
    {
      name: `${prefix}payload_lv`,
      args: lengthSpan,
      type: 'bin',
      needs,
      doc: `Bytes of the ${whose} in TCP mode whose number stands in <length> bytes at offset1; they follow it, or begin at offset2.`,
      build: buildPayloadOfLength(from),
    },
  ]
}

/** The registry entries of this file. */
export const bufferFetches: readonly FetchSpec[] = [
  plain('wait_end', 'bool', 'internal', 'True once a rule has waited as long as it may.', {
    one: (stream) => (stream.final ? bool(true) : undefined),
    mayChange: always,
  }),
  plain(
    'req.len',
    'sint',
    'request-buffer',
    'How many bytes of the request are buffered; in HTTP mode about that.',
    { one: (stream) => sint(requestLength(stream)), mayChange: always },
    ['req_len'],
  ),
  plain(
    'res.len',
    'sint',
    'response-buffer',
    'How many bytes of the response are buffered; in HTTP mode about that.',
    { one: (stream) => sint(responseLength(stream)), mayChange: always },
  ),
  ...payloads('req.', requestBuffer, ['request-buffer'], 'request'),
  ...payloads('res.', responseBuffer, ['response-buffer'], 'response'),
  ...payloads('', eitherBuffer, ['request-buffer', 'response-buffer'], 'request or response'),
]
