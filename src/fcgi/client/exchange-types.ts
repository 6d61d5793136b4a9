/** What a request is to those who start it. */
import type { FcgiBody } from '../body.ts'
import type { CgiHead } from '../codec/cgi-response.ts'
import type { Param } from '../codec/params.ts'
import type { ParamList } from '../codec/param-list.ts'
import type { FcgiError } from '../errors.ts'

/** A request as {@link FcgiClient.start} takes it. */
export interface FcgiRequest {
  /**
   * The parameters: a Map, or pairs, which must not change while the request is in progress. CONTENT_LENGTH is added when it is missing; REQUEST_METHOD decides what may be sent
   * again and whether the response has a body.
   */
  readonly params: ReadonlyMap<string, string | Uint8Array> | readonly Param[]
  /** The whole request body, when it is at hand: it can be sent again as often as it takes. */
  readonly body?: Uint8Array | undefined
  /** Without `body`: whether the caller will `write` one and `end` it. @default false */
  readonly hasBody?: boolean | undefined
  /** @default Role.Responder */
  readonly role?: number | undefined
  /**
   * For Role.Filter: the file that is to be filtered, sent behind the request body. FCGI_DATA_LENGTH is added when it is missing.
   * @default empty
   */
  readonly data?: Uint8Array | undefined
}

/** A request as an exchange takes it: its parameters may be a list that was made here. */
export interface ExchangeRequest extends Omit<FcgiRequest, 'params'> {
  readonly params: FcgiRequest['params'] | ParamList
}

/** A request as {@link FcgiClient.request} takes it. */
export interface FcgiRequestInit extends Omit<FcgiRequest, 'body' | 'hasBody' | 'data'> {
  /** As {@link FcgiRequest.data}; text goes out as UTF-8. */
  readonly data?: string | Uint8Array | undefined
  /**
   * Text goes out as UTF-8. When CONTENT_LENGTH is not among the parameters it is added: for text and bytes at once, for
   * an iterable after it was gathered, up to `maxUnsizedBody`.
   */
  readonly body?: FcgiBody | undefined
  /** Aborts the request, or the body of its response. */
  readonly signal?: AbortSignal | undefined
  /** Is told of each 1xx head. */
  readonly onInformational?: ((head: CgiHead) => void) | undefined
  /** Is told what this request brings on STDERR. */
  readonly onStderr?: ((text: string) => void) | undefined
}

/** How the application ended; undefined in both when it closed the connection instead, after a complete response. */
export interface FcgiEnd {
  /** What END_REQUEST says of the application: for a CGI program, its exit status. */
  readonly appStatus: number | undefined
  /** What END_REQUEST says of the protocol: 0 is REQUEST_COMPLETE. */
  readonly protocolStatus: number | undefined
}

/** What a request reports. Exactly one of `onEnd` and `onError` comes, last, unless {@link FcgiExchange.abort} was called. */
export interface ExchangeHandler {
  /** Status and headers. */
  onHead(head: CgiHead): void
  /**
   * A piece of the body, in memory that is not written again. False stops the application until
   * {@link FcgiExchange.resume}; nothing more comes before.
   */
  onBody(chunk: Buffer): boolean
  /** The application has ended the request. The response is complete, unless `onBodyEnd` has said so before. */
  onEnd(end: FcgiEnd): void
  /** It failed: before or after `onHead`. */
  onError(error: FcgiError): void
  /**
   * The response is complete, by its Content-Length, its last chunk or the empty STDOUT, and the application still works;
   * `onEnd` follows when it has ended. Not called when END_REQUEST is what ends the response.
   */
  onBodyEnd?(): void
  /** A 1xx head. */
  onInformational?(head: CgiHead): void
  /** {@link FcgiExchange.write} may be called again. */
  onDrain?(): void
  /** What the application writes to STDERR, see {@link formatStderr}. */
  onStderr?(text: string): void
}

/**
 * How far a request has come: `unsent` means that nothing of it can have reached the application, `sent` that it may have,
 * `answered` that the application has sent a record for it.
 */
export type FcgiProgress = 'unsent' | 'sent' | 'answered'

/** A request in progress. */
export interface FcgiExchange {
  /**
   * Sends a piece of the request body, which must not be changed afterwards. False: wait for `onDrain`. What is written
   * after the response has ended goes nowhere.
   * @throws UsageError `ERR_SLUICE_OPTION`
   */
  write(chunk: Uint8Array): boolean
  /** The request body is complete. */
  end(): void
  /** Stops the response, as `onBody` does by answering false: no head and no piece comes before `resume`. */
  pause(): void
  /** The response goes on. */
  resume(): void
  /** Gives up; no callback comes any more. */
  abort(): void
  /** How often it was sent so far. */
  readonly attempts: number
  /** How far the last attempt has come. */
  readonly progress: FcgiProgress
}
