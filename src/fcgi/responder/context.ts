/** What a handler sees of a request, and what it may answer. */
import type { Readable } from 'node:stream'
import type { FcgiBody } from '../body.ts'
import type { CgiRequest } from '../codec/http-request.ts'
import type { ReplyHeaders } from '../codec/reply-head.ts'

/** The roles of FastCGI (section 6). */
export type FcgiRole = 'responder' | 'authorizer' | 'filter'

/** What a handler may answer instead of writing it. */
export interface FcgiReply {
  /** @default 200 */
  readonly status?: number | undefined
  /** The header fields. */
  readonly headers?: ReplyHeaders | undefined
  /** The body. @default none */
  readonly body?: FcgiBody | undefined
  /** What END_REQUEST says. @default 0 */
  readonly appStatus?: number | undefined
}

/** What a handler gets. */
export interface FcgiContext {
  /** The request id on its connection. */
  readonly id: number
  /** What the gateway asks the application to be. */
  readonly role: FcgiRole
  /** The parameters in the order they came. */
  readonly params: ReadonlyMap<string, string>
  /** What the parameters say of the HTTP request: its target, headers and addresses. Read when it is first asked for. */
  readonly http: CgiRequest
  /** The request body. What is not read is discarded when the request ends. */
  readonly stdin: Readable
  /**
   * The file that a filter is given, behind STDIN (FCGI_DATA); FCGI_DATA_LENGTH and FCGI_DATA_LAST_MOD are among the parameters.
   * For other roles it is empty.
   */
  readonly data: Readable
  /** Aborted when the gateway gives up; what is written afterwards goes nowhere. */
  readonly signal: AbortSignal
  /**
   * Begins the response. A status of 1xx may be sent before the real one.
   * @throws FcgiError `ERR_FCGI_STATUS`, `ERR_FCGI_HEADERS`, `ERR_FCGI_HEAD_SENT`; UsageError `ERR_SLUICE_OPTION`
   */
  writeHead(status: number, headers?: ReplyHeaders): void
  /**
   * Sends body, beginning the response with 200 when nothing has. False: await {@link FcgiContext.drained}.
   * @throws UsageError `ERR_SLUICE_OPTION`
   */
  write(chunk: Uint8Array | string): boolean
  /** Resolves when more may be written, or when it no longer matters. */
  drained(): Promise<void>
  /** Writes to the gateway's error log. @throws UsageError `ERR_SLUICE_OPTION` */
  stderr(text: string): void
  /**
   * Ends the request; it is also ended, with 0, when the handler is done. The status is what exit() would be given; a
   * negative one is sent as the number of its 32 bits. What is written afterwards goes nowhere, and a second call does nothing.
   * @throws UsageError `ERR_SLUICE_OPTION`
   */
  end(appStatus?: number): void
  /**
   * Breaks the response off. A connection that has no other request ends then, which is the one sign that tells a gateway
   * that the response is not whole; on another one it merely ends. Before {@link FcgiContext.writeHead} it is status 500.
   */
  destroy(): void
}

/** What those get who serve requests within this package: a call costs less than a signal. */
export interface ServingContext extends FcgiContext {
  /** Whether it has ended, however. */
  readonly over: boolean
  /** As {@link FcgiContext.writeHead}: all of a head, from `Status` to the blank line, that was checked already. */
  writeHeadText(head: string): void
  /** Is called when the gateway gives up. */
  onAborted: (() => void) | undefined
}
