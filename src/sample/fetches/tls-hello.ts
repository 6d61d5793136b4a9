/** Fetches of TLS that is passed on undecrypted, in TCP mode (configuration.txt 7.3.5). */
import { readClientHello, readHandshakeType } from '../client-hello.ts'
import type { ClientHello } from '../client-hello.ts'
import type { Stream } from '../stream.ts'
import type { SampleType, SampleValue } from '../value.ts'
import { bool, sint, str } from '../value.ts'
import type { Fetch, FetchSpec } from './spec.ts'
import { plain, text } from './spec.ts'

type Side = 'requestBuffer' | 'responseBuffer'

/** In HTTP mode there is no buffer, and nothing to wait for. */
function hello(stream: Stream): ReturnType<typeof readClientHello> {
  return stream.requestBuffer === undefined ? 'none' : readClientHello(stream.requestBuffer)
}

function ofHello(
  name: string,
  type: SampleType,
  doc: string,
  pick: (hello: ClientHello) => SampleValue | undefined,
  all?: (hello: ClientHello) => readonly SampleValue[],
): FetchSpec {
  const found = (stream: Stream): ClientHello | undefined => {
    const read = hello(stream)
    return typeof read === 'string' ? undefined : read
  }
  const fetch: Fetch = {
    one: (stream) => {
      const read = found(stream)
      return read === undefined ? undefined : pick(read)
    },
    mayChange: (stream) => hello(stream) === 'partial',
  }
  const every = (stream: Stream): readonly SampleValue[] => {
    const read = found(stream)
    return read === undefined || all === undefined ? [] : all(read)
  }
  return plain(name, type, 'request-buffer', doc, all === undefined ? fetch : { ...fetch, all: every })
}

function handshakeType(side: Side): Fetch {
  const read = (stream: Stream) => {
    const bytes = stream[side]
    return bytes === undefined ? 'none' : readHandshakeType(bytes)
  }
  return {
    one: (stream) => {
      const type = read(stream)
      return typeof type === 'number' ? sint(type) : undefined
    },
    mayChange: (stream) => read(stream) === 'partial',
  }
}

/** The registry entries of this file. */
export const tlsHelloFetches: readonly FetchSpec[] = [
  plain(
    'req.ssl_hello_type',
    'sint',
    'request-buffer',
    'The type of the TLS handshake message that the client has sent: 1 is a ClientHello.',
    handshakeType('requestBuffer'),
    ['req_ssl_hello_type'],
  ),
  {
    ...ofHello('req.ssl_sni', 'str', 'The server name in a ClientHello.', ({ serverName }) =>
      text(serverName),
    ),
    aliases: ['req_ssl_sni'],
  },
  ofHello(
    'req.ssl_alpn',
    'str',
    'An application protocol in a ClientHello, the first by default.',
    ({ protocols }) => text(protocols[0]),
    ({ protocols }) => protocols.map(str),
  ),
  ofHello('req.ssl_ec_ext', 'bool', 'True when a ClientHello names elliptic curves.', ({ curves }) =>
    curves ? bool(true) : undefined,
  ),
  ofHello(
    'req.ssl_st_ext',
    'sint',
    '1 when a ClientHello knows session tickets, 2 when it has one, else 0.',
    ({ ticketLength }) => sint(ticketLength === undefined ? 0 : ticketLength === 0 ? 1 : 2),
  ),
  plain(
    'res.ssl_hello_type',
    'sint',
    'response-buffer',
    'The type of the TLS handshake message that the server has sent: 2 is a ServerHello.',
    handshakeType('responseBuffer'),
    ['rep_ssl_hello_type'],
  ),
]
