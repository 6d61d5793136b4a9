/** The options of {@link createFcgiResponder}: the interface for the reader, the table for the machine. */
import { UsageError } from '../../base/errors.ts'
import { loggerOption, resolveLogging, type Logging } from '../../base/logger-option.ts'
import type { Logger } from '../../base/logger.ts'
import { stderrLogger } from '../../base/stderr-logger.ts'
import { boolean, integer, milliseconds, oneOf, strings } from '../../base/options.ts'
import type { OptionSpec, Specs } from '../../base/options.ts'
import { readArgument } from '../arguments.ts'
import type { ParamEncoding } from '../codec/params.ts'
import type { FcgiContext, FcgiReply, FcgiRole } from './context.ts'

/** What serves a request; it may answer a {@link FcgiReply}, or use the context, or both. */
export type FcgiHandler = (
  context: FcgiContext,
  // A handler that uses the context alone returns nothing.
) => FcgiReply | undefined | void | Promise<FcgiReply | undefined | void>

/** See the fields. Times are milliseconds, sizes bytes. */
export interface FcgiResponderOptions {
  /** Serves a request; called when its parameters are complete. */
  onRequest: FcgiHandler
  /** Roles that are served; others are answered UNKNOWN_ROLE. @default ['responder'] */
  roles?: readonly FcgiRole[] | undefined
  /** Most connections at a time; further ones are closed at once. @default 1024 */
  maxConnections?: number | undefined
  /**
   * Most requests at a time on one connection. With 1 the connection does not multiplex, and a second request is
   * answered CANT_MPX_CONN. @default 64
   */
  maxRequestsPerConnection?: number | undefined
  /** Most requests at a time in all; further ones are answered OVERLOADED. @default 1024 */
  maxRequests?: number | undefined
  /** Bytes that the parameters of one request may have; a larger request is answered with status 431. @default 262144 */
  maxParamsSize?: number | undefined
  /** How many parameters one request may have. @default 1000 */
  maxParams?: number | undefined
  /**
   * How much of a request body is held for a handler that does not read it, one record more at most; then the connection
   * is not read. @default 65536
   */
  stdinBufferSize?: number | undefined
  /**
   * How much of what was written to a connection may be unsent before no further request is taken from it. It does not
   * bound what handlers write: see {@link FcgiContext.write}. @default 1048576
   */
  maxPendingOutput?: number | undefined
  /** How long the parameters of a request may take to arrive; the connection is closed then. 0 waits for ever. @default 10000 */
  paramsTimeout?: number | undefined
  /**
   * How long a handler may wait for more of STDIN: the request is answered with status 408 then, its `signal` is aborted
   * and its `stdin` fails with `ERR_FCGI_STDIN_TIMEOUT`. It does not run while the handler does not read. 0 waits for
   * ever. @default 60000
   */
  stdinTimeout?: number | undefined
  /**
   * How long the gateway may take nothing of what was written for it; the connection is closed then. 0 waits for ever.
   * @default 60000
   */
  stallTimeout?: number | undefined
  /** How long a connection may be open without a request; 0 waits for ever. @default 120000 */
  idleTimeout?: number | undefined
  /** Addresses and CIDR ranges that may connect over TCP; none given: all. @default [] */
  allowedPeers?: readonly string[] | undefined
  /** Permissions of a unix socket that is listened on; 0 leaves what the umask gives. @default 0 */
  socketMode?: number | undefined
  /** Whether records are padded to a multiple of eight bytes. @default false */
  padding?: boolean | undefined
  /** How the bytes of parameters become text. @default 'latin1' */
  encoding?: ParamEncoding | undefined
  /** Is told of handlers that throw, and of gateways that break the protocol; false is silence. @default lines on standard error */
  logger?: Logger | false | undefined
}

const noHandler: FcgiHandler = () => undefined

const handlerSpec: OptionSpec<FcgiHandler> = {
  fallback: noHandler,
  check: (given) => (typeof given === 'function' ? undefined : 'must be a function'),
}

const roles: readonly unknown[] = ['responder', 'authorizer', 'filter'] satisfies FcgiRole[]

const rolesSpec: OptionSpec<readonly FcgiRole[]> = {
  fallback: ['responder'],
  check: (given) => {
    const right = Array.isArray(given) && given.length > 0 && given.every((each) => roles.includes(each))
    return right ? undefined : "must be an array of 'responder', 'authorizer' and 'filter'"
  },
}

const specs: Specs<FcgiResponderOptions> = {
  onRequest: handlerSpec,
  roles: rolesSpec,
  maxConnections: integer(1024, { min: 1 }),
  maxRequestsPerConnection: integer(64, { min: 1, max: 65_535 }),
  maxRequests: integer(1024, { min: 1 }),
  maxParamsSize: integer(262_144, { min: 1 }),
  maxParams: integer(1000, { min: 1 }),
  stdinBufferSize: integer(65_536, { min: 1 }),
  maxPendingOutput: integer(1_048_576, { min: 1 }),
  paramsTimeout: milliseconds(10_000),
  stdinTimeout: milliseconds(60_000),
  stallTimeout: milliseconds(60_000),
  idleTimeout: milliseconds(120_000),
  allowedPeers: strings([]),
  socketMode: integer(0, { max: 0o7777 }),
  padding: boolean(false),
  encoding: oneOf<ParamEncoding>('latin1', ['latin1', 'utf8']),
  logger: loggerOption(stderrLogger),
}

/** The options with every gap filled. */
export type ResolvedResponderOptions = Logging<FcgiResponderOptions>

/**
 * Checks the options.
 * @throws UsageError `ERR_SLUICE_OPTION`
 */
export function resolveResponderOptions(given: FcgiResponderOptions): ResolvedResponderOptions {
  const resolved = readArgument('createFcgiResponder: the options', () =>
    resolveLogging(specs, given, 'createFcgiResponder'),
  )
  if (resolved.onRequest === noHandler) {
    throw new UsageError('ERR_SLUICE_OPTION', "createFcgiResponder: option 'onRequest' must be a function")
  }
  return resolved
}
