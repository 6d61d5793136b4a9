/** What an HTTP stream needs of whatever carries its request to a server: HTTP/1.1, FastCGI, or an applet. */
import type { Lent } from '../../base/lent.ts'
import type { Seated } from '../../base/roster.ts'
import type { ConnectionMode } from '../../config/index.ts'
import type { Framing, HeaderList, Liveness, RequestHead, ResponseHead } from '../../http1/index.ts'
import type { SampleEndpoint, Stream } from '../../sample/stream.ts'

/**
 * Why a server gave no (complete) response: it closed the connection, was silent for too long, sent nonsense;
 * `overloaded` when it said that it did not take the request for having too much to do, `declined` for another reason;
 * `refused` when the request cannot be put in its terms.
 */
export type ServerFailure = 'closed' | 'timeout' | 'invalid' | 'overloaded' | 'declined' | 'refused'

/** What is known of a failure; `status` is what to tell the client of one that is `refused`. */
export interface ServerError extends Error {
  readonly status: number
}

/** Is told what the server does. */
export interface ServerEvents {
  /** A 1xx head other than 101; the real one follows. */
  onServerInformational(head: ResponseHead): void
  /** The head. The body, when `framing` is not 0, follows, unless `hold` is called. */
  onServerHead(head: ResponseHead, framing: Framing): void
  onServerBody(pieces: readonly Lent[], done: boolean, trailers: HeaderList | undefined): void
  onServerRaw(chunk: Lent): void
  onServerRawEnd(): void
  /** `sendBody` may be called again. */
  onServerDrain(): void
  /** It is over, and the transport is closed. */
  onServerFailed(why: ServerFailure, error: ServerError | undefined): void
}

/** One request's share of a connection to a server. */
export interface ServerTransport {
  /** Whether the connection has carried another request before. */
  readonly reused: boolean
  /** Whether a byte of the answer has come. */
  readonly answered: boolean
  /** Once it has failed: whether nothing of the request can have reached the server, so that it may be sent again whatever it is. */
  readonly unsent: boolean
  /** Whether its server may say that it does not take a request, which then goes elsewhere. */
  readonly mayRefuse: boolean
  readonly peer: SampleEndpoint | undefined
  readonly local: SampleEndpoint | undefined
  /** Sends a piece of the request body. False: wait for `onServerDrain`. */
  sendBody(pieces: readonly Lent[], done: boolean, trailers: HeaderList | undefined): boolean
  /** Hands out nothing more of the response until `release`. */
  hold(): void
  release(): void
  /** Hands out what is there already of the response's body, whatever holds it. */
  drain(): void
  /** The rules have seen the head, and it is about to leave: adds what the proxy says in the server's place. */
  completeHead(head: ResponseHead): void
  /** Bytes of the response's body that are announced and have not come, as far as that is known. */
  readonly left: number
  /** Bytes of a tunnel. */
  openTunnel(): void
  sendRaw(chunk: Lent): boolean
  endRaw(): void
  /** The stream is through with it, in a good way. */
  finish(): void
  /** The stream has given it up. Nothing is told any more. */
  destroy(): void
}

/** Connections that one client's requests share, by their servers: `http-reuse never`. */
export interface OwnConnections {
  take(server: object): ServerConnection | undefined
  put(server: object, connection: ServerConnection): void
  /** One that has died. */
  drop(server: object, connection: ServerConnection): void
}

/** A request on its way to a server. Its headers are changed for the wire: nobody reads them afterwards. */
export interface ServerRequest {
  readonly head: RequestHead
  readonly mode: ConnectionMode
  /** Whether the server is told that the connection stays, whatever `mode` says. */
  readonly pretendKeepAlive: boolean
  /** Whether it may be sent again when nobody knows whether it arrived. */
  readonly repeatable: boolean
  /** For what is computed from the stream, such as the parameters of an application. */
  readonly stream: Stream
  /** Where a connection goes that nobody else may use; undefined where everybody may. */
  readonly own: OwnConnections | undefined
}

/** A connection to a server. */
export interface ServerConnection extends Seated {
  /** Requests that it has carried, the current one included. */
  readonly requests: number
  /** How many more requests it takes now. */
  readonly room: number
  /** Whether it has proved, or its protocol says, that the server keeps it open between requests. */
  readonly safe: boolean
  /** The round of the loop (src/net/liveness.ts) in which its last request ended; counts for those whose `liveness` changes with it. */
  readonly restedAt: number
  /** What is known of it since then. */
  readonly liveness: Liveness
  /**
   * Whether `begin` itself keeps what must not be repeated until all that the server can have said behind its last answer is
   * heard, and fails as `unsent` when that was its end. Else the request comes only then.
   */
  readonly recalls: boolean
  /**
   * Sends the head of a request; it leaves with the bytes of the body that come in the same turn. Undefined: it has failed, and has told so.
   */
  begin(request: ServerRequest, events: ServerEvents): ServerTransport | undefined
  /** Nobody wants it: it closes, at once or behind requests that others have on it. */
  destroy(): void
}
