/** Fetches of the request line and what is in its target (configuration.txt 7.3.6). */
import { Buffer } from 'node:buffer'
import type { Arguments } from '../arguments.ts'
import { readIpv4 } from '../address.ts'
import { avalanche, sdbm } from '../hash.ts'
import { headerValue, parameterValues, pathAndQuery, pathOf } from '../http-text.ts'
import { readInt32 } from '../int64.ts'
import type { SampleRequest, Stream } from '../stream.ts'
import { requestOf } from '../stream.ts'
import type { SampleValue } from '../value.ts'
import { addr, bin, bool, meth, sint, str, textOf } from '../value.ts'
import type { Fetch, FetchSpec } from './spec.ts'
import { plain, text } from './spec.ts'

const knownMethods: ReadonlySet<string> = new Set([
  'OPTIONS',
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'TRACE',
  'CONNECT',
])

/**
 * A known method is the one that came, whatever `set-method` has made of it, and stays known during the response; the text
 * of others is that of now, and gone by then, as in HAProxy (`smp_fetch_meth` in src/http_fetch.c).
 */
function method({ request, direction }: Stream): SampleValue | undefined {
  if (request === undefined) return undefined
  const { method: name, receivedMethod } = request
  if (knownMethods.has(receivedMethod)) return meth(receivedMethod)
  return direction === 'request' ? meth(name) : undefined
}

/** A fetch of the request, while its headers may be read. */
function ofRequest(pick: (request: SampleRequest) => string | undefined): Fetch['one'] {
  return (stream) => {
    const request = requestOf(stream)
    return request === undefined ? undefined : text(pick(request))
  }
}

function queryOf(target: string): string | undefined {
  const mark = target.indexOf('?')
  return mark < 0 ? undefined : target.slice(mark + 1)
}

/** The first Host value in front of the path; only the path when there is no Host. */
function base(request: SampleRequest, pathIn: (target: string) => string | undefined): string | undefined {
  const host = headerValue(request.headers, 'host', 1, false)
  const path = pathIn(request.target)
  if (host === undefined || host === '') return path
  return path === undefined ? host : host + path
}

function hash(
  stream: Stream,
  full: boolean,
  pathIn: (target: string) => string | undefined,
): number | undefined {
  const request = requestOf(stream)
  if (request === undefined) return undefined
  const host = headerValue(request.headers, 'host', 1, full) ?? ''
  return avalanche(sdbm(host + (pathIn(request.target) ?? '')))
}

function hashOf(full: boolean, pathIn: (target: string) => string | undefined): Fetch['one'] {
  return (stream) => {
    const found = hash(stream, full, pathIn)
    return found === undefined ? undefined : sint(found)
  }
}

/** The bytes of the hash, then those of the client's address if it has one. */
function hashAndSource(full: boolean, pathIn: (target: string) => string | undefined): Fetch['one'] {
  return (stream) => {
    const found = hash(stream, full, pathIn)
    if (found === undefined) return undefined
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(found)
    return bin(Buffer.concat([bytes, stream.source?.address ?? Buffer.alloc(0)]))
  }
}

/** The IPv4 address and port of `http://192.0.2.1:80/`; names are not resolved. */
function urlEndpoint(stream: Stream): { address: Uint8Array; port: number } | undefined {
  const match = /^(https?):\/\//i.exec(requestOf(stream)?.target ?? '')
  if (match === null) return undefined
  const rest = match.input.slice(match[0].length)
  const read = readIpv4(rest)
  if (read === undefined) return undefined
  const port = /^:(\d*)/.exec(rest.slice(read.length))?.[1]
  const fallback = match[1]?.length === 4 ? 80 : 443
  return { address: read.bytes, port: port === undefined ? fallback : Number(port) & 0xffff }
}

function parametersOf(stream: Stream, name: string, delimiter: string): string[] {
  const target = requestOf(stream)?.target
  const mark = target === undefined ? -1 : target.indexOf(delimiter)
  return target === undefined || mark < 0 ? [] : parameterValues(target.slice(mark + 1), name, delimiter)
}

function buildParameter(args: Arguments): Fetch {
  const name = args.text(0) ?? ''
  const delimiter = (args.text(1) ?? '?').slice(0, 1)
  return {
    one: (stream) => text(parametersOf(stream, name, delimiter)[0]),
    all: (stream) => parametersOf(stream, name, delimiter).map(str),
  }
}

function buildParameterNumber(args: Arguments): Fetch {
  const { one, all } = buildParameter(args)
  const number = (value: SampleValue): SampleValue => sint(readInt32(textOf(value)))
  return {
    one: (stream) => {
      const value = one(stream)
      return value === undefined ? undefined : number(value)
    },
    all: (stream) => (all?.(stream) ?? []).map(number),
  }
}

const parameterArgs = [
  { name: 'name', type: 'str', optional: true },
  { name: 'delim', type: 'str', optional: true },
] as const

/** The registry entries of this file. */
export const requestLineFetches: readonly FetchSpec[] = [
  plain('method', 'meth', 'request', 'The method.', method),
  plain(
    'req.ver',
    'str',
    'request-headers',
    'The HTTP version: 1.0 or 1.1.',
    ofRequest((request) => request.version),
    ['req_ver'],
  ),
  plain(
    'req.proto_http',
    'bool',
    'request',
    'True when the request is HTTP.',
    (stream) => (stream.request === undefined ? undefined : bool(true)),
    ['req_proto_http'],
  ),
  plain(
    'http_first_req',
    'bool',
    'request',
    'Whether the request is the first of its connection; true in TCP mode, whatever was sent.',
    (stream) => bool(stream.firstRequest),
  ),
  plain(
    'url',
    'str',
    'request-headers',
    'The request target.',
    ofRequest((request) => request.target),
  ),
  plain(
    'path',
    'str',
    'request-headers',
    'The path, up to the question mark.',
    ofRequest((request) => pathOf(request.target)),
  ),
  plain(
    'pathq',
    'str',
    'request-headers',
    'The path and the query.',
    ofRequest((request) => pathAndQuery(request.target)),
  ),
  plain(
    'query',
    'str',
    'request-headers',
    'What follows the question mark; none without one.',
    ofRequest((request) => queryOf(request.target)),
  ),
  plain(
    'base',
    'str',
    'request-headers',
    'The first Host value followed by the path.',
    ofRequest((request) => base(request, pathOf)),
  ),
  plain(
    'baseq',
    'str',
    'request-headers',
    'The first Host value followed by path and query.',
    ofRequest((request) => base(request, pathAndQuery)),
  ),
  plain('base32', 'sint', 'request-headers', 'A 32-bit hash of `base`.', hashOf(false, pathOf)),
  plain(
    'base32+src',
    'bin',
    'request-headers',
    "The four bytes of `base32`, then the client's address.",
    hashAndSource(false, pathOf),
  ),
  plain(
    'url32+src',
    'bin',
    'request-headers',
    "The four bytes of `url32`, then the client's address.",
    hashAndSource(true, pathAndQuery),
  ),
  plain(
    'url32',
    'sint',
    'request-headers',
    'A 32-bit hash of Host, path and query.',
    hashOf(true, pathAndQuery),
  ),
  plain('url_ip', 'ipv4', 'request-headers', 'The IPv4 address in an absolute request target.', (stream) => {
    const endpoint = urlEndpoint(stream)
    return endpoint === undefined ? undefined : addr(endpoint.address)
  }),
  plain(
    'url_port',
    'sint',
    'request-headers',
    'The port in an absolute request target with an address.',
    (stream) => {
      const endpoint = urlEndpoint(stream)
      return endpoint === undefined ? undefined : sint(endpoint.port)
    },
  ),
  {
    name: 'url_param',
    aliases: ['urlp'],
    args: parameterArgs,
    type: 'str',
    needs: ['request-headers'],
    doc: 'A parameter of the query (without a name, the first), which starts at the delimiter: ? by default.',
    build: buildParameter,
  },
  {
    name: 'urlp_val',
    args: parameterArgs,
    type: 'sint',
    needs: ['request-headers'],
    doc: 'As url_param, as an integer.',
    build: buildParameterNumber,
  },
]
