/** Fetches of the client's connection, of frontend, backend and server (configuration.txt 7.3.2 to 7.3.4). */
import type { SampleEndpoint } from '../stream.ts'
import type { SampleValue } from '../value.ts'
import { addr, bool, sint, str } from '../value.ts'
import type { FetchSpec } from './spec.ts'
import { plain, text } from './spec.ts'

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

const clientFetches: readonly FetchSpec[] = [
  plain('src', 'ipv4', 'client', "The client's address, IPv4 or IPv6.", (stream) => address(stream.source)),
  plain('src_port', 'sint', 'client', "The client's port.", (stream) => port(stream.source)),
  plain(
    'src_is_local',
    'bool',
    'client',
    "Whether the client's address is one of this machine's.",
    (stream) => (stream.source === undefined ? undefined : bool(stream.sourceIsLocal)),
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
    (stream) => (stream.destination === undefined ? undefined : bool(stream.destinationIsLocal)),
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

/** The registry entries of this file. */
export const connectionFetches: readonly FetchSpec[] = [...clientFetches, ...proxyFetches]
