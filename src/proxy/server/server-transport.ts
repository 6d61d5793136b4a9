/** What an HTTP stream needs from whatever carries its request to a server: HTTP/1.1 or FastCGI. */
import type { Framing, HeaderList, ResponseHead } from '../../http1/index.ts'
import type { SampleEndpoint } from '../../sample/stream.ts'

/**
 * Why a server gave no (complete) response: it closed the connection, was silent for too long, or sent nonsense;
 * `overloaded` when it said that it did not take the request.
 */
export type ServerFailure = 'closed' | 'timeout' | 'invalid' | 'overloaded'

/** Is told what the server does. */
export interface TransportClient {
  /** A 1xx head other than 101; the real one follows. */
  onServerInformational(head: ResponseHead): void
  /** The head. The body, when `framing` is not 0, follows, unless `hold` is called. */
  onServerHead(head: ResponseHead, framing: Framing): void
  onServerBody(pieces: readonly Buffer[], done: boolean, trailers: HeaderList | undefined): void
  onServerRaw(chunk: Buffer): void
  onServerRawEnd(): void
  /** All that came in this turn was handed out: time to write. */
  onServerPause(): void
  /** `sendBody` may be called again. */
  onServerDrain(): void
  /** It is over, and the transport is closed. */
  onServerFailed(why: ServerFailure, error: Error | undefined): void
}

/** See the head of this file. */
export interface ServerTransport {
  /** Whether it has carried another request before. */
  readonly reused: boolean
  readonly peer: SampleEndpoint | undefined
  readonly local: SampleEndpoint | undefined
  /** Sends a piece of the request body. False: wait for `onServerDrain`. */
  sendBody(pieces: readonly Buffer[], done: boolean, trailers: HeaderList | undefined): boolean
  /** Bytes of a tunnel. */
  sendRaw(chunk: Buffer): boolean
  endRaw(): void
  /** Sends what is held back. */
  flush(): void
  /** Hands out nothing more of the response until `release`. */
  hold(): void
  release(): void
  /** From now on bytes are passed as they are. */
  tunnel(): void
  /** The stream is through with it, in a good way. */
  finish(): void
  destroy(): void
}
