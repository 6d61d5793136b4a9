/** Fetches of the client's connection, of frontend, backend and server (configuration.txt 7.3.2 to 7.3.4). */
import type { SampleEndpoint, SampleRequest, SampleResponse, Stream } from '../stream.ts'
import type { SampleValue } from '../value.ts'
import { addr, bin, bool, sint, str } from '../value.ts'
import type { Arguments } from '../arguments.ts'
import type { Fetch, FetchSpec } from './spec.ts'
import { always, plain, text } from './spec.ts'

function address(endpoint: SampleEndpoint | undefined): SampleValue | undefined {
  return isInternet(endpoint) ? addr(endpoint.address) : undefined
}

function port(endpoint: SampleEndpoint | undefined): SampleValue | undefined {
  return isInternet(endpoint) && endpoint.port !== 0 ? sint(endpoint.port) : undefined
}

/** Unix sockets have neither address nor port. */
function isInternet(endpoint: SampleEndpoint | undefined): endpoint is SampleEndpoint {
  return endpoint !== undefined && endpoint.address.length > 0
}

const defaultBufferSize = 16_384

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

/** `smp_fetch_payload` in src/payload.c. */
function payload(
  args: Arguments,
  side: 'requestBuffer' | 'responseBuffer',
  bufferSize = defaultBufferSize,
): Fetch | undefined {
  const offset = args.count32(0) ?? 0
  const length = args.count32(1) ?? 0
  if (offset < 0) return args.wrong(0, 'the offset must not be negative')
  if (length < 0) return args.wrong(1, 'the length must not be negative')
  const end = offset + length
  const canBe = end <= bufferSize
  return {
    one: (stream) => {
      const buffer = stream[side]
      if (buffer === undefined || !canBe || end > buffer.length) return undefined
      // Length 0 is all there is.
      return bin(buffer.subarray(offset, length === 0 ? buffer.length : end))
    },
    mayChange: (stream) => {
      const buffer = stream[side]
      return buffer !== undefined && canBe && (length === 0 || end > buffer.length)
    },
  }
}

const span = [
  { name: 'offset', type: 'sint' },
  { name: 'length', type: 'sint' },
] as const

const clientFetches: readonly FetchSpec[] = [
  plain('src', 'ipv4', 'client', "The client's address, IPv4 or IPv6.", (stream) => address(stream.source)),
  plain('src_port', 'sint', 'client', "The client's port.", (stream) => port(stream.source)),
  plain(
    'src_is_local',
    'bool',
    'client',
    "Whether the client's address is one of this machine's.",
    (stream) => (isInternet(stream.source) ? bool(stream.sourceIsLocal) : undefined),
  ),
  plain('dst', 'ipv4', 'client', 'The address that the client connected to.', (stream) =>
    address(stream.destination),
  ),
  plain('dst_port', 'sint', 'client', 'The port that the client connected to.', (stream) =>
    port(stream.destination),
  ),
  plain(
    'dst_is_local',
    'bool',
    'client',
    "Whether the address that the client connected to is one of this machine's.",
    (stream) => (isInternet(stream.destination) ? bool(stream.destinationIsLocal) : undefined),
  ),
  plain('ssl_fc', 'bool', 'client-connection', "Whether the client's connection is encrypted.", (stream) =>
    bool(stream.tls !== undefined),
  ),
  plain('ssl_fc_protocol', 'str', 'client-connection', 'The TLS version that the client uses.', (stream) =>
    text(stream.tls?.protocol),
  ),
  plain('ssl_fc_cipher', 'str', 'client-connection', 'The TLS cipher that the client uses.', (stream) =>
    text(stream.tls?.cipher),
  ),
  plain('ssl_fc_sni', 'str', 'client-connection', 'The server name that the client asked for.', (stream) =>
    text(stream.tls?.serverName),
  ),
  plain('ssl_fc_has_sni', 'bool', 'client-connection', 'Whether the client sent a server name.', (stream) =>
    bool(stream.tls?.serverName !== undefined),
  ),
  plain('ssl_fc_alpn', 'str', 'client-connection', 'The protocol that ALPN chose.', (stream) =>
    text(stream.tls?.alpn),
  ),
]

const proxyFetches: readonly FetchSpec[] = [
  plain('fe_id', 'sint', 'frontend', "The frontend's id.", (stream) => sint(stream.frontend.id)),
  plain('fe_name', 'str', 'frontend', "The frontend's name.", (stream) => str(stream.frontend.name)),
  plain('be_id', 'sint', 'backend', "The backend's id.", (stream) => sint(stream.backend.id)),
  plain('be_name', 'str', 'backend', "The backend's name.", (stream) => str(stream.backend.name)),
  plain('srv_id', 'sint', 'server', "The server's id.", (stream) =>
    stream.server === undefined ? undefined : sint(stream.server.id),
  ),
  plain('srv_name', 'str', 'server', "The server's name.", (stream) => text(stream.server?.name)),
  plain(
    'unique-id',
    'str',
    'frontend',
    "The stream's unique id; none without `unique-id-format`.",
    (stream) => text(stream.uniqueId),
  ),
  plain('fcgi.docroot', 'str', 'request-headers', "The document root of the backend's fcgi-app.", (stream) =>
    text(stream.fcgiApp?.docroot),
  ),
  plain('fcgi.index', 'str', 'request-headers', "The index of the backend's fcgi-app.", (stream) =>
    text(stream.fcgiApp?.index),
  ),
]

const bufferFetches: readonly FetchSpec[] = [
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
  {
    name: 'req.payload',
    args: span,
    type: 'bin',
    needs: ['request-buffer'],
    doc: 'Bytes of the request in TCP mode; length 0 is all that is there.',
    build: (args, { bufferSize }) => payload(args, 'requestBuffer', bufferSize),
  },
  {
    name: 'res.payload',
    args: span,
    type: 'bin',
    needs: ['response-buffer'],
    doc: 'Bytes of the response in TCP mode; length 0 is all that is there.',
    build: (args, { bufferSize }) => payload(args, 'responseBuffer', bufferSize),
  },
]

/** The registry entries of this file. */
export const connectionFetches: readonly FetchSpec[] = [...clientFetches, ...proxyFetches, ...bufferFetches]
