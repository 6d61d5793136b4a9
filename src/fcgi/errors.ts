/** What can go wrong between a gateway and a FastCGI application: one catalogue, one class. */
import { SluiceError, withDetail, type Fault } from '../base/errors.ts'

/**
 * Codes of {@link FcgiError}. `status` is what a gateway answers its own client with: the statuses of HAProxy's mux-fcgi
 * where it has one for the case. `fault` is whose fault it is unless the place that throws knows better.
 */
export const fcgiFaults = {
  ERR_FCGI_VERSION: { status: 502, fault: 'peer', message: 'a record does not have version 1' },
  ERR_FCGI_TRUNCATED: { status: 502, fault: 'peer', message: 'a record or a name-value pair ends too early' },
  ERR_FCGI_BODY_SIZE: { status: 502, fault: 'peer', message: 'a record has a content of the wrong size' },
  ERR_FCGI_PROTOCOL: { status: 502, fault: 'peer', message: 'a record is not allowed here' },
  ERR_FCGI_RECORD_SIZE: { status: 500, fault: 'local', message: 'a record cannot be that large' },
  ERR_FCGI_PARAM_SIZE: {
    status: 500,
    fault: 'local',
    message: 'a name-value pair does not fit a record, which php-fpm requires',
  },
  ERR_FCGI_PARAM_VALUE: { status: 500, fault: 'local', message: 'a parameter cannot be sent' },
  ERR_FCGI_PARAMS_LIMIT: { status: 431, fault: 'peer', message: 'the parameters exceed a limit' },
  ERR_FCGI_PATH: { status: 500, fault: 'peer', message: 'the path cannot be handed to an application' },
  ERR_FCGI_PATH_TRAVERSAL: { status: 400, fault: 'peer', message: 'the path leads out of the docroot' },
  ERR_FCGI_STATUS: { status: 502, fault: 'peer', message: 'the Status header is not a status' },
  ERR_FCGI_NPH: {
    status: 502,
    fault: 'peer',
    message: 'the application answered with a status line instead of CGI headers',
  },
  ERR_FCGI_HEADERS: { status: 502, fault: 'peer', message: 'the response headers are malformed' },
  ERR_FCGI_HEADERS_LIMIT: {
    status: 502,
    fault: 'peer',
    message: 'the response headers exceed a limit (maxHeadSize, maxHeaders)',
  },
  ERR_FCGI_EMPTY_RESPONSE: {
    status: 502,
    fault: 'peer',
    message: 'the application ended without a response',
  },
  ERR_FCGI_TRUNCATED_RESPONSE: {
    status: 502,
    fault: 'peer',
    message: 'the response ends within its headers',
  },
  ERR_FCGI_RESPONSE_LENGTH: {
    status: 502,
    fault: 'peer',
    message: 'the response body is not as long as its Content-Length',
  },
  ERR_FCGI_RESPONSE_BODY: { status: 502, fault: 'peer', message: 'the chunked response body is malformed' },
  ERR_FCGI_CONNECT: { status: 503, fault: 'io', message: 'no connection to the application' },
  ERR_FCGI_CONNECT_TIMEOUT: {
    status: 503,
    fault: 'io',
    message: 'the application did not accept the connection in time',
  },
  ERR_FCGI_QUEUE_FULL: {
    status: 503,
    fault: 'local',
    message: 'all connections are taken and the queue is full',
  },
  ERR_FCGI_QUEUE_TIMEOUT: { status: 503, fault: 'local', message: 'no connection became free in time' },
  ERR_FCGI_CONNECTION_LOST: {
    status: 502,
    fault: 'io',
    message: 'the connection ended before the response did',
  },
  ERR_FCGI_RESPONSE_TIMEOUT: {
    status: 504,
    fault: 'peer',
    message: 'the application did not answer in time',
  },
  ERR_FCGI_CANT_MPX_CONN: {
    status: 503,
    fault: 'peer',
    message: 'the application serves one request at a time on a connection',
  },
  ERR_FCGI_OVERLOADED: { status: 503, fault: 'peer', message: 'the application is overloaded' },
  ERR_FCGI_UNKNOWN_ROLE: { status: 503, fault: 'peer', message: 'the application does not know the role' },
  ERR_FCGI_PROTOCOL_STATUS: {
    status: 502,
    fault: 'peer',
    message: 'the application ended with an unknown protocol status',
  },
  ERR_FCGI_REQUEST_LENGTH: {
    status: 400,
    fault: 'local',
    message: 'the request body is not as long as CONTENT_LENGTH',
  },
  ERR_FCGI_LENGTH_UNKNOWN: {
    status: 413,
    fault: 'local',
    message: 'a request body of unknown length is larger than maxUnsizedBody',
  },
  ERR_FCGI_BODY_LIMIT: { status: 413, fault: 'peer', message: 'the request body is larger than maxBodySize' },
  ERR_FCGI_BODY_READ: {
    status: 500,
    fault: 'local',
    message: 'the request body was read by somebody else: mount phpFpm before what parses bodies',
  },
  ERR_FCGI_REQUEST_BODY: { status: 400, fault: 'local', message: 'the request body failed' },
  ERR_FCGI_STDIN_TIMEOUT: {
    status: 408,
    fault: 'peer',
    message: 'the gateway did not send the rest of the request body in time',
  },
  ERR_FCGI_ABORTED: { status: 400, fault: 'local', message: 'the request was aborted' },
  ERR_FCGI_LISTEN: { status: 500, fault: 'io', message: 'the responder cannot listen' },
  ERR_FCGI_HEAD_SENT: { status: 500, fault: 'local', message: 'the response was begun already' },
} as const satisfies Record<string, { status: number; fault: Fault; message: string }>

/** One of the codes of {@link fcgiFaults}. */
export type FcgiErrorCode = keyof typeof fcgiFaults

/** What may be said about a {@link FcgiError} beside its code. */
export interface FcgiErrorOptions {
  /** The error that led to this one. */
  readonly cause?: unknown
  /** @default the one of the catalogue */
  readonly fault?: Fault
  /** See {@link FcgiError.notRun}. @default false */
  readonly notRun?: boolean
}

/** See {@link fcgiFaults}; every code is explained in docs/errors.md. */
export class FcgiError extends SluiceError<FcgiErrorCode> {
  /** The HTTP status that a gateway answers its client with. */
  readonly status: number
  /**
   * Whether the application certainly did not begin to run the request: no connection, a queue that was full, a
   * protocol status that says so. Such a request may be sent elsewhere whatever its method.
   */
  readonly notRun: boolean

  constructor(code: FcgiErrorCode, detail?: string, options: FcgiErrorOptions = {}) {
    const { status, fault, message } = fcgiFaults[code]
    super(code, withDetail(message, detail), {
      fault: options.fault ?? fault,
      cause: options.cause,
    })
    this.status = status
    this.notRun = options.notRun ?? false
  }
}
