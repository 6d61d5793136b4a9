/** The options of a status port. */
import { UsageError } from '../base/errors.ts'
import { boolean, integer, resolveOptions, strings, type Resolved, type Specs } from '../base/options.ts'

/** See each key. */
export interface StatusOptions {
  /** What the page calls it. @default 'agent' */
  name?: string | undefined
  /**
   * Names in the `Host` header that are taken for this port, beside addresses and localhost: `['agent.example']`. `*` takes
   * all, and with it the protection from DNS rebinding. @default []
   */
  hosts?: readonly string[] | undefined
  /** Who shows it may change the log level, and switch recent messages on and off. @default nobody may */
  token?: string | undefined
  /**
   * The variable whose values are counted as verdicts: `ip_score`, or with its scope `txn.allowed`. @default none
   */
  verdict?: string | undefined
  /**
   * Show recent messages with their arguments and actions: so many are kept, and a few a second are taken. What is secret by
   * its name, and queries of paths, are not shown; addresses of clients are. @default 0, which is off
   */
  recent?: number | undefined
  /** Arguments and variables that recent messages do not show, beside those whose names say so. @default [] */
  redact?: readonly string[] | undefined
  /** Pages that may be open at a time. @default 16 */
  maxPages?: number | undefined
  /** Permissions of a unix socket, such as `0o660`. @default what the umask gives */
  mode?: number | undefined
  /** Whether `/metrics` has the process, too: not, where the program has metrics of its own. @default true */
  processMetrics?: boolean | undefined
}

const longestName = 100
const shortestToken = 16

const specs: Specs<StatusOptions> = {
  name: {
    fallback: 'agent',
    check: (given) =>
      typeof given === 'string' && given !== '' && given.length <= longestName
        ? undefined
        : `must be a text of 1 to ${longestName} characters`,
  },
  hosts: strings([]),
  // Looked at below: a wrong value would be shown.
  token: { fallback: undefined, check: () => undefined },
  verdict: {
    fallback: undefined,
    check: (given) =>
      typeof given === 'string' && /^[a-zA-Z0-9_.]+$/.test(given)
        ? undefined
        : "must be the name of a variable, such as 'ip_score' or 'txn.allowed'",
  },
  recent: integer(0, { max: 1000 }),
  redact: strings([]),
  maxPages: integer(16, { min: 1, max: 1000 }),
  mode: { fallback: undefined, check: integer(0, { max: 0o777 }).check },
  processMetrics: boolean(true),
}

/** Options with every gap filled. */
export type ResolvedStatusOptions = Resolved<Omit<StatusOptions, 'token' | 'verdict' | 'mode'>> & {
  readonly token: string | undefined
  readonly verdict: string | undefined
  readonly mode: number | undefined
}

/** @throws UsageError `ERR_SLUICE_OPTION`; of a wrong token nothing is shown. */
export function resolveStatusOptions(given: StatusOptions): ResolvedStatusOptions {
  const resolved = resolveOptions(specs, given, 'serveStatus') as ResolvedStatusOptions
  const token: unknown = resolved.token
  if (token === undefined || (typeof token === 'string' && token.length >= shortestToken)) return resolved
  const rule = `must be a text of at least ${shortestToken} characters`
  throw new UsageError('ERR_SLUICE_OPTION', `serveStatus: option 'token' ${rule}`)
}
