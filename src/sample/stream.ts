/**
 * What a sample is taken from. The proxy implements this on its stream, with getters where a value changes or is
 * costly; nothing here knows sockets, clocks or processes.
 *
 * All text is latin1, one character for each byte.
 */
import type { Buffer } from 'node:buffer'
import type { VariableScope, VariableStore } from './variables.ts'

/** One end of a connection. */
export interface SampleEndpoint {
  /** 4 or 16 bytes; none for a unix socket. */
  readonly address: Uint8Array
  /** For a unix socket that clients connect to, on both ends the id of its `bind` line; towards a server 0. */
  readonly port: number
}

/** A frontend, backend or server. */
export interface SampleNamed {
  readonly name: string
  readonly id: number
}

/**
 * Header lines in order: name as received (compared without regard to case) and value. HAProxy takes `keep-alive` and
 * `close` out of Connection when it parses a message, so its rules never see them; neither should these.
 */
export type SampleHeaders = readonly (readonly [name: string, value: string])[]

interface SampleMessage {
  /** What follows `HTTP/`: `1.1`. */
  readonly version: string
  readonly headers: SampleHeaders
  /**
   * The body as far as it is here and not forwarded yet, chunks decoded: bytes that came with the head are part of it.
   * Undefined when there are none, and always in TCP mode, where HAProxy looks at the head only.
   */
  readonly body: Buffer | undefined
  /**
   * How much of the body is announced: its length or, in chunks, what is here and what the chunk being read still
   * misses (`BodyDecoder.left`). Undefined when nothing is announced: until close, and in TCP mode.
   */
  readonly bodySize: number | undefined
}

/**
 * Why a stream has a `request` or has none. In TCP mode the bytes in the buffer are taken for a request as soon as a
 * rule asks: `partial` while more of them may complete its head (an empty buffer, too), `invalid` once they cannot, or
 * the buffer is full without one.
 */
export type RequestState = 'complete' | 'partial' | 'invalid'

/** An HTTP request as the rules left it so far; in TCP mode as it was received, Connection untouched. */
export interface SampleRequest extends SampleMessage {
  readonly method: string
  /** The method as it came: rules may have given the request another one. */
  readonly receivedMethod: string
  /** The request target: `/path?query`, `http://host/path`, `*` or `host:port`. */
  readonly target: string
}

/** An HTTP response as the rules left it so far. */
export interface SampleResponse extends SampleMessage {
  readonly status: number
  readonly reason: string
}

/** TLS on the client's side. */
export interface SampleTls {
  /** `TLSv1.3` */
  readonly protocol: string | undefined
  /** `TLS_AES_128_GCM_SHA256` */
  readonly cipher: string | undefined
  readonly serverName: string | undefined
  readonly alpn: string | undefined
}

/** The application that a stream's backend uses (`use-fcgi-app`). */
export interface SampleFcgiApp {
  readonly docroot: string
  readonly index: string | undefined
}

/**
 * What only log lines show (configuration.txt 8.2 and 8.4). Times are in milliseconds, -1 when the event did not
 * happen; dates are milliseconds since 1970.
 */
export interface StreamLog {
  /** When the connection was accepted (`%t`, `%T`, `%Tl`, `%Ts`, `%ms`). */
  readonly acceptDate: number
  /** When the request began (`%tr`, `%trg`, `%trl`). */
  readonly requestDate: number
  /** `%Th` */
  readonly handshakeTime: number
  /** `%Ti` */
  readonly idleTime: number
  /** `%TR` */
  readonly requestTime: number
  /** `%Tq`: handshake, idle and request time. */
  readonly requestEnd: number
  /** `%Tw` */
  readonly queueTime: number
  /** `%Tc` */
  readonly connectTime: number
  /** `%Tr` */
  readonly responseTime: number
  /** `%Td` */
  readonly dataTime: number
  /** `%Ta` */
  readonly activeTime: number
  /** `%Tt` */
  readonly totalTime: number
  /** `%Tu` */
  readonly userTime: number
  /** `option logasap`: totals are written with a `+` in front since they still grow. */
  readonly asap: boolean
  /** `%ST`; 0 when there is none, -1 as HAProxy does for some errors. */
  readonly status: number
  /** `%B`: to the client. */
  readonly bytesRead: number
  /** `%U`: from the client. */
  readonly bytesUploaded: number
  /** `%ts`: two characters. */
  readonly termination: string
  /** What `%tsc` adds: two characters. */
  readonly cookieState: string
  /** `%CC` */
  readonly requestCookie: string | undefined
  /** `%CS` */
  readonly responseCookie: string | undefined
  /** `%ac`, `%fc`, `%bc`, `%sc` */
  readonly connections: {
    readonly process: number
    readonly frontend: number
    readonly backend: number
    readonly server: number
  }
  /** `%rc` */
  readonly retries: number
  /** Whether it was sent to another server than first chosen: `%rc` has a `+` in front. */
  readonly redispatched: boolean
  /** `%sq` */
  readonly serverQueue: number
  /** `%bq` */
  readonly backendQueue: number
  /** `%hr`, `%hrl`: what `capture request header` took, in order. */
  readonly capturedRequest: readonly (string | undefined)[]
  /** `%hs`, `%hsl` */
  readonly capturedResponse: readonly (string | undefined)[]
  /** `GET /path HTTP/1.1` as received; undefined when no request was understood (`<BADREQ>`). */
  readonly requestLine: string | undefined
  /** `%rt` */
  readonly requestCounter: number
  /** `%lc` */
  readonly logCounter: number
  /** `%pid` */
  readonly pid: number
  /** `%bi`, `%bp`: our address towards the server. */
  readonly backendSource: SampleEndpoint | undefined
  /** `%si`, `%sp` */
  readonly serverAddress: SampleEndpoint | undefined
  /** What `%s` shows when no server was used: `<NOSRV>`, `<STATS>`, `<lua>`, … */
  readonly noServer: string
}

/** What expressions, conditions and formats are evaluated against: one TCP connection, or one request and its response. */
export interface Stream {
  /** Wall-clock milliseconds since 1970, with a fraction for `date_us`. */
  readonly now: number
  /**
   * Which half is being processed. Request headers can be read during `request` only, response headers during
   * `response` only; log lines are written during `response`.
   */
  readonly direction: 'request' | 'response'
  /**
   * True unless more data may still change the outcome: only rules that wait (`tcp-request inspect-delay`) evaluate
   * with false.
   */
  readonly final: boolean
  /** `src`: the client, as `set-src` or the PROXY protocol may have changed it. */
  readonly source: SampleEndpoint | undefined
  /** `dst`: where the client connected to. */
  readonly destination: SampleEndpoint | undefined
  /** Whether the client's address is one of this machine's. */
  readonly sourceIsLocal: boolean
  /** Whether the address that the client connected to is one of this machine's. */
  readonly destinationIsLocal: boolean
  readonly frontend: SampleNamed
  /** The frontend itself until a backend is chosen. */
  readonly backend: SampleNamed
  readonly server: SampleNamed | undefined
  /** Undefined unless {@link requestState} is `complete`. Stays during the response. */
  readonly request: SampleRequest | undefined
  readonly requestState: RequestState
  readonly response: SampleResponse | undefined
  /** Whether the head of the response is still to come, in HTTP mode. @default false */
  readonly awaitsResponse?: boolean
  /** Whether this is the first request of its connection. */
  readonly firstRequest: boolean
  /** The bytes that wait to be forwarded to the server, empty when there are none. Undefined in HTTP mode. */
  readonly requestBuffer: Buffer | undefined
  /** The bytes that wait to be forwarded to the client, empty when there are none. Undefined in HTTP mode. */
  readonly responseBuffer: Buffer | undefined
  /** Undefined when the client's connection is not encrypted. */
  readonly tls: SampleTls | undefined
  readonly fcgiApp: SampleFcgiApp | undefined
  /** `unique-id`; undefined without `unique-id-format`. */
  readonly uniqueId: string | undefined
  readonly log: StreamLog

  /**
   * The variables of a scope; undefined while the scope does not exist (`res` during the request, `req` during the
   * response, all but `proc` and `sess` before a stream begins).
   */
  variables(scope: VariableScope): VariableStore | undefined
  /** A random unsigned 32-bit integer. */
  random(): number
}

/** The request, while its headers may be read. */
export function requestOf(stream: Stream): SampleRequest | undefined {
  return stream.direction === 'request' ? stream.request : undefined
}

/** The response, while its headers may be read. */
export function responseOf(stream: Stream): SampleResponse | undefined {
  return stream.direction === 'response' ? stream.response : undefined
}
