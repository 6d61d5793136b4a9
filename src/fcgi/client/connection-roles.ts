/** What a connection of the client is to those above it: the requests on it, and who gives it requests. */
import type { EndRequest } from '../codec/end-request.ts'
import type { FcgiError } from '../errors.ts'

/** A request as its connection sees it. */
export interface ConnectionStream {
  /** Its id, which the connection that it is on sets; 0 on none. */
  id: number
  readonly role: number
  /** Whether the empty STDIN was sent. */
  readonly stdinEnded: boolean
  /** Content of STDOUT, from `start` to `end`; empty at its end. It is in memory that is not written again, but for owners with `lends`. */
  recvStdout(bytes: Buffer, start: number, end: number): void
  recvStderr(content: Buffer): void
  /** END_REQUEST; the connection has forgotten the request already. */
  recvEnd(end: EndRequest): void
  /** The connection is gone, likewise. */
  lost(error: FcgiError, how: Loss): void
  /** The socket takes data again after `sendStdin` has answered false. */
  writable(): void
}

/** What a request may conclude from the end of its connection. */
export interface Loss {
  /** Whether any of it can have reached the application. */
  readonly sent: boolean
  /** Whether it was not the first on the connection (or GET_VALUES was, which made old PHP versions close). */
  readonly reused: boolean
}

/** Who gives requests to a connection, of the class `Connection`. */
export interface ConnectionOwner<Connection> {
  /** A request has ended, or the application has said how many it takes: there may be room. */
  released(connection: Connection): void
  /** It is gone; its requests are told next. */
  closed(connection: Connection, error: FcgiError): void
  /** All that was read has been told. */
  read?(): void
  /**
   * Whether pieces of bodies are in memory that is written again when their callback has returned, or `read`: they are not
   * copied then. @default false
   */
  readonly lends?: boolean
}
