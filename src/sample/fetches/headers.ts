/** Fetches of header fields, of requests and responses alike (configuration.txt 7.3.6). */
import { Buffer } from 'node:buffer'
import { parseIpv6, readIpv4 } from '../address.ts'
import type { ArgSpec, Arguments } from '../arguments.ts'
import { headerValue, headerValues } from '../http-text.ts'
import { readInt32 } from '../int64.ts'
import type { SampleSource } from '../checkpoint.ts'
import type { SampleHeaders, Stream } from '../stream.ts'
import { requestOf, responseOf } from '../stream.ts'
import type { SampleType, SampleValue } from '../value.ts'
import { addr, bin, sint, str } from '../value.ts'
import { varintSize, writeVarint } from '../varint.ts'
import type { Fetch, FetchSpec } from './spec.ts'
import { text } from './spec.ts'

/** Where header fields are taken from. */
type HeadersOf = (stream: Stream) => SampleHeaders | undefined

const requestHeaders: HeadersOf = (stream) => requestOf(stream)?.headers
const responseHeaders: HeadersOf = (stream) => responseOf(stream)?.headers
const eitherHeaders: HeadersOf = (stream) =>
  stream.direction === 'request' ? stream.request?.headers : stream.response?.headers

/** How many occurrences can be counted from the end. */
const historyLimit = 10

interface HeaderArgs {
  readonly name: string | undefined
  readonly occurrence: number
}

function readHeaderArgs(args: Arguments): HeaderArgs | undefined {
  const occurrence = args.count32(1) ?? 0
  if (occurrence < -historyLimit) return args.wrong(1, `the occurrence must be at least -${historyLimit}`)
  return { name: args.text(0)?.toLowerCase(), occurrence }
}

/** One value by position, or for ACLs each value in turn, run through `convert`. */
function valueFetch(
  from: HeadersOf,
  full: boolean,
  args: Arguments,
  convert: (value: string) => SampleValue | undefined,
): Fetch | undefined {
  const wanted = readHeaderArgs(args)
  if (wanted === undefined) return undefined
  const { name, occurrence } = wanted
  // Without parentheses there is no name, and HAProxy finds nothing.
  if (name === undefined) return { one: () => undefined }
  const pick = (stream: Stream, at: number): SampleValue | undefined => {
    const headers = from(stream)
    const value = headers === undefined ? undefined : headerValue(headers, name, at, full)
    return value === undefined ? undefined : convert(value)
  }
  if (occurrence !== 0) return { one: (stream) => pick(stream, occurrence) }
  return {
    one: (stream) => pick(stream, -1),
    all: (stream) => convertAll(headerValues(from(stream) ?? [], name, full), convert),
  }
}

function convertAll(
  values: readonly string[],
  convert: (value: string) => SampleValue | undefined,
): SampleValue[] {
  const samples: SampleValue[] = []
  for (const value of values) {
    const sample = convert(value)
    if (sample !== undefined) samples.push(sample)
  }
  return samples
}

/** An address that is the whole value, or an IPv4 address with a port behind it. */
function addressIn(value: string): SampleValue | undefined {
  const v4 = readIpv4(value)
  if (v4 !== undefined) {
    const port = /^(?::(\d{1,5}))?$/.exec(value.slice(v4.length))
    return port !== null && Number(port[1] ?? 0) <= 65_535 ? addr(v4.bytes) : undefined
  }
  const v6 = parseIpv6(value)
  return v6 === undefined ? undefined : addr(v6)
}

function counter(from: HeadersOf, full: boolean): FetchSpec['build'] {
  return (args) => {
    const name = (args.text(0) ?? '').toLowerCase()
    return {
      one: (stream) => {
        const headers = from(stream)
        return headers === undefined ? undefined : sint(headerValues(headers, name, full).length)
      },
    }
  }
}

function names(from: HeadersOf): FetchSpec['build'] {
  return (args) => {
    const delimiter = (args.text(0) ?? ',').slice(0, 1)
    return {
      one: (stream) =>
        text(
          from(stream)
            ?.map(([name]) => name.toLowerCase())
            .join(delimiter),
        ),
    }
  }
}

function block(headers: SampleHeaders): SampleValue {
  let lines = ''
  for (const [name, value] of headers) lines += `${name.toLowerCase()}: ${value}\r\n`
  return str(`${lines}\r\n`)
}

/** Sent to agents with every request that asks for it, hence one buffer of the right size. */
function binaryBlock(headers: SampleHeaders): SampleValue {
  // The list ends with an empty name and an empty value.
  let size = 2
  for (const [name, value] of headers)
    size += varintSize(name.length) + name.length + varintSize(value.length) + value.length
  const bytes = Buffer.allocUnsafe(size)
  let at = 0
  for (const [name, value] of headers) {
    at = writeVarint(name.length, bytes, at)
    at += bytes.write(name.toLowerCase(), at, 'latin1')
    at = writeVarint(value.length, bytes, at)
    at += bytes.write(value, at, 'latin1')
  }
  bytes.fill(0, at)
  return bin(bytes)
}

function whole(from: HeadersOf, format: (headers: SampleHeaders) => SampleValue): FetchSpec['build'] {
  return () => ({
    one: (stream) => {
      const headers = from(stream)
      return headers === undefined ? undefined : format(headers)
    },
  })
}

const optionalName: ArgSpec = { name: 'name', type: 'str', optional: true }
const optionalOccurrence: ArgSpec = { name: 'occ', type: 'sint', optional: true }

function value(
  name: string,
  from: HeadersOf,
  needs: readonly SampleSource[],
  full: boolean,
  type: SampleType,
  doc: string,
  convert: (value: string) => SampleValue | undefined = str,
): FetchSpec {
  const build = (args: Arguments): Fetch | undefined => valueFetch(from, full, args, convert)
  return { name, args: [optionalName, optionalOccurrence], type, needs, doc, build }
}

const integer = (written: string): SampleValue => sint(readInt32(written))

const which = 'occ counts from 1, or from the end when negative; the last one by default'

/** The fetches of one kind of message, with `old` names for those that have one. */
function forMessage(prefix: 'req' | 'res', old: string, from: HeadersOf, source: SampleSource): FetchSpec[] {
  const needs = [source]
  const message = prefix === 'req' ? 'request' : 'response'
  const line = `A header line of the ${message}, commas included; ${which}.`
  const specs: FetchSpec[] = [
    value(
      `${prefix}.hdr`,
      from,
      needs,
      false,
      'str',
      `A comma-separated header value of the ${message}; ${which}.`,
    ),
    value(`${prefix}.fhdr`, from, needs, true, 'str', line),
    {
      ...value(`${prefix}.hdr_val`, from, needs, false, 'sint', `As ${prefix}.hdr, as an integer.`, integer),
      aliases: [`${old}_val`],
    },
    {
      ...value(`${prefix}.hdr_ip`, from, needs, false, 'ipv4', `As ${prefix}.hdr, as an address.`, addressIn),
      aliases: [`${old}_ip`],
    },
    {
      name: `${prefix}.hdr_cnt`,
      aliases: [`${old}_cnt`],
      args: [optionalName],
      type: 'sint',
      needs,
      doc: `How many comma-separated values of a header (or of all) the ${message} has.`,
      build: counter(from, false),
    },
    {
      name: `${prefix}.fhdr_cnt`,
      args: [optionalName],
      type: 'sint',
      needs,
      doc: `How many lines of a header (or of all) the ${message} has.`,
      build: counter(from, true),
    },
    {
      name: `${prefix}.hdr_names`,
      args: [{ name: 'delim', type: 'str', optional: true }],
      type: 'str',
      needs,
      doc: `The names of the header lines of the ${message}, in lower case, with a delimiter (a comma) between.`,
      build: names(from),
    },
    {
      name: `${prefix}.hdrs`,
      args: [],
      type: 'bin',
      needs,
      doc: `All header lines of the ${message} and the empty line.`,
      build: whole(from, block),
    },
    {
      name: `${prefix}.hdrs_bin`,
      args: [],
      type: 'bin',
      needs,
      doc: `All header lines of the ${message} as pairs of (length, bytes), for SPOE agents.`,
      build: whole(from, binaryBlock),
    },
  ]
  return specs
}

/** The registry entries of this file. */
export const headerFetches: readonly FetchSpec[] = [
  ...forMessage('req', 'hdr', requestHeaders, 'request-headers'),
  ...forMessage('res', 'shdr', responseHeaders, 'response-headers'),
  value(
    'hdr',
    eitherHeaders,
    ['request-headers', 'response-headers'],
    false,
    'str',
    'As req.hdr, or in a response as res.hdr; in an ACL always as req.hdr.',
  ),
  value('shdr', responseHeaders, ['response-headers'], false, 'str', 'As res.hdr.'),
]
