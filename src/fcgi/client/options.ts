/** The options of {@link createFcgiClient}: the interface for the reader, the table for the machine. */
import { isEndpointLike, type Endpoint } from '../../net/endpoint.ts'
import { UsageError } from '../../base/errors.ts'
import { loggerOption, resolveLogging, type Logging } from '../../base/logger-option.ts'
import type { Logger } from '../../base/logger.ts'
import { boolean, integer, milliseconds, oneOf, optional } from '../../base/options.ts'
import type { OptionSpec, Specs } from '../../base/options.ts'
import { readArgument } from '../arguments.ts'
import type { ParamEncoding } from '../codec/params.ts'

/** See the fields. Times are milliseconds, sizes bytes. */
export interface FcgiClientOptions {
  /** Where the application listens: `host:port`, `/path`, `unix@/path`. One of `endpoint` and `servers` is needed. */
  endpoint?: string | Endpoint | undefined
  /** Several of them: a request goes to the one with the least to do. */
  servers?: readonly (string | Endpoint)[] | undefined
  /** Whether connections are kept for further requests (`option keep-conn`). @default true */
  keepConn?: boolean | undefined
  /**
   * Asks each connection with its first request what the application can do (`option get-values`). Without an answer
   * a connection carries one request at a time. @default false
   */
  getValues?: boolean | undefined
  /**
   * Says that the application can serve several requests at a time on one connection (`option mpxs-conns`). Wrong for
   * php-fpm and everything made with libfcgi: they cut the body of the first request. @default false
   */
  multiplex?: boolean | undefined
  /**
   * Most requests at a time on one connection (`option max-reqs`); counts with `multiplex` or `getValues` only. What the
   * application answers to `getValues` lowers it, and takes its place when it is 1. @default 1
   */
  maxRequests?: number | undefined
  /**
   * Most connections to each server. php-fpm serves one connection with one worker: stay below `pm.max_children`, other
   * clients counted in. @default 32
   */
  maxConnections?: number | undefined
  /** Most connections to each server that are kept without a request: each of them holds a worker. @default 8 */
  maxIdleConnections?: number | undefined
  /** How long a connection is kept without a request; HAProxy's `pool-purge-delay`. @default 5000 */
  idleTimeout?: number | undefined
  /** How long a connection may take to be made. @default 5000 */
  connectTimeout?: number | undefined
  /**
   * How long the application may be silent while a request waits for it; 0 waits for ever. It does not run while the
   * caller is the one who is waited for, with the request body or by not taking the response. @default 30000
   */
  responseTimeout?: number | undefined
  /** Most requests that wait for a connection to one server. @default 1024 */
  maxQueue?: number | undefined
  /** How long a request may wait for a connection, connecting included; 0 waits for ever. @default 10000 */
  queueTimeout?: number | undefined
  /**
   * How often a request is sent again: when a kept connection died before any byte of the response, when the application
   * said that it did not run it, when another server can be tried. @default 1
   */
  maxRetries?: number | undefined
  /**
   * Whether the application may run POST and other methods that are not idempotent twice: they go on kept connections then,
   * and are sent again when one dies, as GET. @default false
   */
  retryUnsafe?: boolean | undefined
  /**
   * Largest request body that is kept while it is written, so that it can be sent again. One that is given whole is the
   * caller's memory, and can be sent again whatever its size. @default 65536
   */
  maxReplaySize?: number | undefined
  /**
   * Most bytes of a request body without CONTENT_LENGTH: it is gathered first, since php-fpm reads no body without it.
   * @default 67108864
   */
  maxUnsizedBody?: number | undefined
  /** How many of them are kept in memory; the rest waits in a temporary file without a name. @default 65536 */
  unsizedBodyMemory?: number | undefined
  /** Largest head of a response. @default 65536 */
  maxHeadSize?: number | undefined
  /** Most header fields of a response. @default 256 */
  maxHeaders?: number | undefined
  /** Whether records are padded to a multiple of eight bytes. HAProxy never does it. @default false */
  padding?: boolean | undefined
  /** How the text of parameters becomes bytes. @default 'latin1' */
  encoding?: ParamEncoding | undefined
  /** Is told what the application writes to STDERR: one text for a record, free of control characters. */
  onStderr?: ((text: string) => void) | undefined
  /** @default a logger that says nothing */
  logger?: Logger | false | undefined
}

function endpointSpec<Value>(isList: boolean): OptionSpec<Value | undefined> {
  return {
    fallback: undefined,
    check: (given) => {
      if (!isList) return isEndpointLike(given) ? undefined : 'must be an address'
      const right = Array.isArray(given) && given.length > 0 && given.every(isEndpointLike)
      return right ? undefined : 'must be an array of addresses'
    },
  }
}

/** What {@link resolveClientOptions} checks by. */
export const clientSpecs: Specs<FcgiClientOptions> = {
  endpoint: endpointSpec(false),
  servers: endpointSpec(true),
  keepConn: boolean(true),
  getValues: boolean(false),
  multiplex: boolean(false),
  maxRequests: integer(1, { min: 1, max: 32_767 }),
  maxConnections: integer(32, { min: 1 }),
  maxIdleConnections: integer(8),
  idleTimeout: milliseconds(5000),
  connectTimeout: milliseconds(5000, { min: 1 }),
  responseTimeout: milliseconds(30_000),
  maxQueue: integer(1024),
  queueTimeout: milliseconds(10_000),
  maxRetries: integer(1),
  retryUnsafe: boolean(false),
  maxReplaySize: integer(65_536),
  maxUnsizedBody: integer(67_108_864),
  unsizedBodyMemory: integer(65_536),
  maxHeadSize: integer(65_536, { min: 64 }),
  maxHeaders: integer(256, { min: 1 }),
  padding: boolean(false),
  encoding: oneOf<ParamEncoding>('latin1', ['latin1', 'utf8']),
  onStderr: optional<(text: string) => void>('function'),
  logger: loggerOption(),
}

/** The options with every gap filled. */
export interface ResolvedClientOptions extends Omit<
  Logging<FcgiClientOptions>,
  'endpoint' | 'servers' | 'onStderr'
> {
  readonly servers: readonly (string | Endpoint)[]
  readonly onStderr: ((text: string) => void) | undefined
}

/** Of them, what a connection needs. */
export type ConnectionOptions = Pick<
  ResolvedClientOptions,
  'keepConn' | 'getValues' | 'multiplex' | 'maxRequests' | 'padding' | 'encoding' | 'logger'
>

/** Of them, what a request needs. */
export type ExchangeOptions = Pick<
  ResolvedClientOptions,
  | 'responseTimeout'
  | 'maxRetries'
  | 'retryUnsafe'
  | 'maxReplaySize'
  | 'maxUnsizedBody'
  | 'unsizedBodyMemory'
  | 'maxHeadSize'
  | 'maxHeaders'
  | 'onStderr'
  | 'logger'
> & {
  /** Whether `responseTimeout` counts also while the caller has yet to write more of the body. @default false */
  readonly timesCaller?: boolean | undefined
}

/**
 * Checks the options.
 * @throws UsageError `ERR_SLUICE_OPTION`
 */
export function resolveClientOptions(given: FcgiClientOptions): ResolvedClientOptions {
  const resolved = readArgument('createFcgiClient: the options', () =>
    resolveLogging(clientSpecs, given, 'createFcgiClient'),
  )
  const { endpoint, servers, onStderr, ...rest } = resolved
  if ((endpoint === undefined) === (servers === undefined)) {
    throw new UsageError('ERR_SLUICE_OPTION', "createFcgiClient: give one of 'endpoint' and 'servers'")
  }
  return {
    ...rest,
    servers: servers ?? (endpoint === undefined ? [] : [endpoint]),
    onStderr,
  }
}
