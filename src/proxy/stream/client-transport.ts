/**
 * What an HTTP stream needs of whatever carries its request from a client, in both directions, and says nothing about
 * the version of the protocol: heads are structures, bodies are bytes.
 */
import type { Lent } from '../../base/lent.ts'
import type { Framing, HeaderList, ResponseHead } from '../../http1/index.ts'

/** One request's share of a client's connection. */
export interface ClientTransport {
  /** Whether the client has ended its side: nothing more of this request can come. */
  readonly ended: boolean
  /** Those of the request, once its body is complete. */
  readonly trailers: HeaderList | undefined

  // The request's body; it is held until `release`.

  hold(): void
  release(): void
  /** As `release`, for rules that wait: `limit` milliseconds at the most; undefined: as long as more comes. */
  gather(limit: number | undefined): void
  /** Hands out what is there already, whatever holds it; answers whether the body is complete. */
  drain(): boolean
  /** Bytes that the length, or the chunk being read, still misses. */
  readonly left: number

  // The response.

  /** A head with a 1xx status other than 101, sent at once. */
  sendInformational(head: ResponseHead): void
  /**
   * The head, with headers as rules left them: whatever they say of the connection and of the framing is replaced by the
   * truth. It leaves with the bytes of the body that come in the same turn.
   * @param framing how the body comes: 0 or more bytes, or until `done`
   * @param tunnel what follows is no HTTP
   * @param mayKeep false: this is the last response of the connection
   */
  sendHead(head: ResponseHead, framing: Framing, tunnel: boolean, mayKeep: boolean): void
  /** False: wait for `onClientDrain`. */
  sendBody(pieces: readonly Lent[], done: boolean, trailers: HeaderList | undefined): boolean

  // A tunnel, behind a 101 or a CONNECT.

  /** @param timeout `timeout tunnel`, in milliseconds; undefined: that of the client counts */
  openTunnel(timeout: number | undefined): void
  sendRaw(chunk: Lent): boolean
  endRaw(): void

  // The end; one of them, once.

  /** The response is complete: the next request, if the connection may stay. */
  finish(): void
  /** What was written is sent, and the connection ends: there is no (further) response. */
  end(): void
  /** The response is broken off, in a way that no client can take for its end. */
  cut(): void
  /** A page for a request that is malformed behind its head, and the end. */
  refuse(status: number): void
}

/** Is told what the client does. */
export interface ClientEvents {
  onClientBody(pieces: readonly Lent[], done: boolean): void
  onClientRaw(chunk: Lent): void
  /** `sendBody` may be called again. */
  onClientDrain(): void
  /** The client has ended its side in the middle of its request, or of a tunnel. */
  onClientEnd(): void
  /** The client has ended its side behind a whole request, and may still wait for its answer. */
  onClientHalfClosed(): void
  onClientGone(): void
  /** `timeout client` */
  onClientTimeout(): void
  /** The body is malformed. */
  onClientInvalid(status: number): void
  /** The proxy is being destroyed. */
  onDestroy(): void
}
