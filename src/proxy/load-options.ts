/** What loading a configuration takes, and what comes of it. */
import type { Duplex } from 'node:stream'
import type { Diagnostic, Environment } from '../config/index.ts'
import { optional, optionalInteger, requireArgument, resolveOptions, strings } from '../base/options.ts'
import type { Specs } from '../base/options.ts'
import type { Plan } from './plan/opaque.ts'

/** What to load. */
export interface LoadOptions {
  /** Configuration files, or folders whose `.cfg` files are read in the order of their names. */
  readonly files: readonly string[]
  /** For `$NAME`, `env()` and the conditions of `.if`. @default none */
  readonly env?: Environment | undefined
  /** Where relative names begin, also those of SPOE, pattern and error files. @default process.cwd() */
  readonly cwd?: string | undefined
  /** Most client connections of the process, as HAProxy's `-n`; wins over `global maxconn`. */
  readonly maxconn?: number | undefined
  /** Agents of this process by the names that `server NAME inproc@NAME` gives them; who made them closes them. @default none */
  readonly agents?: Readonly<Record<string, MountedAgent>> | undefined
}

/** An agent in the same process: what `createAgent` of `sluice/agent` makes has what it takes. */
export interface MountedAgent {
  /** Serves one connection; `peer` is what its log lines call it. */
  accept(stream: Duplex, peer?: string): void
}

/** What came of it. */
export interface LoadedProxy {
  /** In the order in which they were found. */
  readonly diagnostics: readonly Diagnostic[]
  /** Undefined when any of the diagnostics is an error. */
  readonly plan: Plan | undefined
  /** Addresses that HAProxy would bind: those of frontends, and `stats socket`. */
  readonly listeners: number
}

const specs: Specs<LoadOptions> = {
  files: strings([]),
  env: {
    fallback: undefined,
    check: (given) => (isEnvironment(given) ? undefined : 'must be an object of strings by name'),
  },
  cwd: optional<string>('string'),
  maxconn: optionalInteger(),
  agents: optional<Readonly<Record<string, MountedAgent>>>('object'),
}

function isEnvironment(given: unknown): boolean {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return false
  return Object.values(given).every((each) => each === undefined || typeof each === 'string')
}

/** What agents are is looked at where they are used. @throws UsageError `ERR_SLUICE_OPTION`. */
export function checkLoadOptions(given: LoadOptions): void {
  resolveOptions(specs, given, 'loadProxy')
  requireArgument(
    given.files !== undefined,
    "loadProxy: option 'files'",
    'must be an array of paths',
    undefined,
  )
}
