/** An `fcgi-app` section: what its settings are, and how they are checked. */
import { UsageError } from '../../base/errors.ts'
import { boolean, integer, resolveOptions, string } from '../../base/options.ts'
import type { OptionSpec, Resolved, Specs } from '../../base/options.ts'
import { readArgument } from '../arguments.ts'

/** The settings of an `fcgi-app` section that decide on parameters. */
export interface FcgiAppOptions {
  /** Where the application finds the scripts, on its own machine. Mandatory. */
  docroot: string
  /** Appended to a SCRIPT_NAME that ends with a slash. @default '' (nothing is appended) */
  index?: string | undefined
  /**
   * Splits the decoded path: capture 1 is SCRIPT_NAME, capture 2, when it is there, PATH_INFO. A dot matches every
   * byte; flags other than `s` are refused, since matching without case has run the wrong scripts elsewhere.
   * @default '' (the whole path is SCRIPT_NAME)
   */
  pathInfo?: string | RegExp | undefined
  /**
   * Whether header names with other characters than letters, digits and `-` are passed on. With `_` they would take
   * the place of the header that has `-` there. @default false
   */
  preserveHeaderNames?: boolean | undefined
  /** Whether SERVER_NAME keeps the port that the Host header has, as in HAProxy. @default true */
  serverNamePort?: boolean | undefined
  /** Whether a path may lead out of the docroot with `..`, as in HAProxy. @default false */
  allowTraversal?: boolean | undefined
  /** SERVER_SOFTWARE. @default 'sluice' */
  serverSoftware?: string | undefined
  /** Longest request path in bytes, after decoding. @default 16384 */
  maxPathSize?: number | undefined
}

const pathInfoSpec: OptionSpec<string | RegExp> = {
  fallback: '',
  check: (given) => {
    if (given instanceof RegExp) {
      return given.flags === '' || given.flags === 's' ? undefined : 'must have no flag other than s'
    }
    if (typeof given !== 'string') return 'must be a string or a RegExp'
    try {
      return new RegExp(given, 's').source === '' ? 'must be a regular expression' : undefined
    } catch (error) {
      return `must be a regular expression (${(error as Error).message})`
    }
  },
}

const appSpecs: Specs<FcgiAppOptions> = {
  docroot: string(''),
  index: string(''),
  pathInfo: pathInfoSpec,
  preserveHeaderNames: boolean(false),
  serverNamePort: boolean(true),
  allowTraversal: boolean(false),
  serverSoftware: string('sluice'),
  maxPathSize: integer(16_384, { min: 1 }),
}

/** {@link FcgiAppOptions}, checked, with the expression compiled. */
export interface FcgiApp extends Omit<Resolved<FcgiAppOptions>, 'pathInfo'> {
  readonly pathInfo: RegExp | undefined
}

/**
 * Checks the settings once.
 * @throws UsageError `ERR_SLUICE_OPTION`
 */
export function resolveFcgiApp(options: FcgiAppOptions): FcgiApp {
  const resolved = readArgument('fcgi-app', () => resolveOptions(appSpecs, options, 'fcgi-app'))
  if (resolved.docroot === '') {
    throw new UsageError('ERR_SLUICE_OPTION', "fcgi-app: option 'docroot' is mandatory")
  }
  const { pathInfo } = resolved
  const source = typeof pathInfo === 'string' ? pathInfo : pathInfo.source
  return { ...resolved, pathInfo: pathInfo === '' ? undefined : new RegExp(source, 's') }
}
