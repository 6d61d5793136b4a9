/** The options of {@link phpFpm}: the interface for the reader, the table for the machine. */
import type { IncomingMessage } from 'node:http'
import { resolve } from 'node:path'
import { isEndpointLike } from '../../net/endpoint.ts'
import type { HeaderList } from '../../http1/index.ts'
import type { Endpoint } from '../../net/endpoint.ts'
import { UsageError } from '../../base/errors.ts'
import { integer, isPlainObject, optional, resolveOptions, string, strings } from '../../base/options.ts'
import type { OptionSpec, Resolved, Specs } from '../../base/options.ts'
import { readArgument } from '../arguments.ts'
import type { FcgiClientOptions } from '../client/options.ts'
import { tryFilesComplaint } from './try-files.ts'

/** A request, for the functions among the options: of node:http, or of the fetch standard. */
export type PhpRequest = IncomingMessage | Request

/** Parameters beside those that every request has. One that is undefined is not there. */
export type ExtraParams = Readonly<Record<string, string | undefined>>

/** See the fields. */
export interface PhpFpmOptions {
  /** The folder with the scripts; a relative one begins at the working directory. Mandatory. */
  root: string
  /** Where php-fpm listens: `/path`, `host:port`; several for several of it. Mandatory. */
  socket: string | Endpoint | readonly (string | Endpoint)[]
  /** The same folder as php-fpm sees it, in its own container for example. @default the root */
  docroot?: string | undefined
  /**
   * What is tried for a path, in order, as nginx's `try_files` does: `$uri` is the file of that name, a script or one that is
   * left to others; `$uri/` the folder's `index`; `$uri.php` and the like are names made of it; `/index.php?$args` is a
   * script that takes all the rest; `=404` a status. With nothing found the request is left to others.
   * @default ['$uri', '$uri/', '/index.php']
   */
  tryFiles?: readonly string[] | undefined
  /** Files that stand for their folder, in order. @default ['index.php', 'index.html'] */
  index?: readonly string[] | undefined
  /**
   * More parameters, or others in place of those that are made: an object, or a function of the request. The request differs from
   * server to server; its headers are the same for all. @default none
   */
  params?: ExtraParams | ((request: PhpRequest, headers: HeaderList) => ExtraParams) | undefined
  /** Names in lower case of headers that are hidden from applications otherwise. @default ['authorization'] */
  passHeaders?: readonly string[] | undefined
  /** Largest request body in bytes; a larger one is answered with 413. 0 is no limit but PHP's own. @default 0 */
  maxBodySize?: number | undefined
  /** Longest request path in bytes, after decoding. @default 4096 */
  maxPathSize?: number | undefined
  /** Is told of each request that is answered with an error of the gateway, with what it was. @default none */
  onError?: ((error: Error, request: PhpRequest) => void) | undefined
  /** Options of the client, but for where to connect. @default {} */
  client?: Omit<FcgiClientOptions, 'endpoint' | 'servers'> | undefined
}

const socketSpec: OptionSpec<string | Endpoint | readonly (string | Endpoint)[]> = {
  fallback: [],
  check: (given) => {
    const right = isEndpointLike(given) || (Array.isArray(given) && given.every(isEndpointLike))
    return right ? undefined : 'must be an address or an array of them'
  },
}

/** Whether something can be what `params` gives. */
export function isExtraParams(given: unknown): given is ExtraParams {
  return (
    isPlainObject(given) &&
    Object.values(given).every((each) => each === undefined || typeof each === 'string')
  )
}

const paramsSpec: OptionSpec<PhpFpmOptions['params']> = {
  fallback: undefined,
  check: (given) => {
    const right = typeof given === 'function' || isExtraParams(given)
    return right ? undefined : 'must be an object of strings or a function'
  },
}

const specs: Specs<PhpFpmOptions> = {
  root: string(''),
  socket: socketSpec,
  docroot: string(''),
  tryFiles: { fallback: ['$uri', '$uri/', '/index.php'], check: tryFilesComplaint },
  index: strings(['index.php', 'index.html']),
  params: paramsSpec,
  passHeaders: strings(['authorization']),
  maxBodySize: integer(0),
  maxPathSize: integer(4096, { min: 1 }),
  onError: optional('function'),
  // The client looks at them.
  client: { fallback: {}, check: (given) => (isPlainObject(given) ? undefined : 'must be a plain object') },
}

/** The options with every gap filled. */
export interface ResolvedPhpOptions extends Resolved<PhpFpmOptions> {
  readonly servers: readonly (string | Endpoint)[]
}

/** @throws UsageError `ERR_SLUICE_OPTION` */
export function resolvePhpOptions(given: PhpFpmOptions): ResolvedPhpOptions {
  const resolved = readArgument('phpFpm: the options', () => resolveOptions(specs, given, 'phpFpm'))
  const { socket } = resolved
  const servers = isEndpointLike(socket) ? [socket] : socket
  for (const [name, missing] of [
    ['root', resolved.root === ''],
    ['socket', servers.length === 0],
  ] as const) {
    if (missing) throw new UsageError('ERR_SLUICE_OPTION', `phpFpm: option '${name}' is mandatory`)
  }
  // php-fpm has a working directory of its own.
  const root = withoutSlash(resolve(resolved.root))
  const docroot = resolved.docroot === '' ? root : withoutSlash(resolved.docroot)
  return Object.freeze({ ...resolved, root, docroot, servers })
}

function withoutSlash(folder: string): string {
  return folder.replace(/\/+$/, '')
}
