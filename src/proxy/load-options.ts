/** What loading a configuration takes, and what comes of it. */
import type { Duplex } from 'node:stream'
import type { Diagnostic, Environment } from '../config/index.ts'
import type { Plan } from './plan/opaque.ts'

/** What to load. */
export interface LoadOptions {
  /** Configuration files, or folders whose `.cfg` files are read in the order of their names. */
  readonly files: readonly string[]
  /** For `$NAME`, `env()` and the conditions of `.if`. @default none */
  readonly env?: Environment
  /** Where relative names begin, also those of SPOE, pattern and error files. @default process.cwd() */
  readonly cwd?: string
  /** Most client connections of the process, as HAProxy's `-n`; wins over `global maxconn`. */
  readonly maxconn?: number
  /** Agents of this process by the names that `server NAME inproc@NAME` gives them; who made them closes them. @default none */
  readonly agents?: Readonly<Record<string, MountedAgent>>
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
