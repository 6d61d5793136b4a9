/** What the rules look at: a configuration with its SPOE files, or a SPOE file alone. */
import type { Config, Place, Proxy, SpoeConfig } from '../config/index.ts'
import type { SourceLine } from './source-line.ts'
import type { HaproxyBranch } from './version.ts'

/** Everything that is known. */
export interface LintSubject {
  /** Undefined for a SPOE file alone: rules that need it have nothing to say. */
  readonly config: Config | undefined
  /** The lines of the configuration files; empty for a SPOE file alone. */
  readonly lines: readonly SourceLine[]
  readonly engines: readonly LintEngine[]
  /** `tune.bufsize`, in bytes. */
  readonly bufferSize: number
  /** `tune.maxrewrite`, in bytes: what a message leaves free of its buffer. */
  readonly maxRewrite: number
  /** How long an agent takes at most before it answers, in milliseconds; undefined when nobody said. */
  readonly agentDeadline: number | undefined
  /** The branch of HAProxy that will read the files; undefined when nobody said: any. */
  readonly branch: HaproxyBranch | undefined
  /** Who will run the files. */
  readonly readBy: 'sluice' | 'haproxy'
}

/** One `filter spoe`, or one scope of a SPOE file alone. */
export interface LintEngine {
  /** As `send-spoe-group` knows it. */
  readonly name: string
  readonly spoe: SpoeConfig
  /** The lines of its scope in its SPOE file. */
  readonly lines: readonly SourceLine[]
  /** Undefined for a SPOE file alone. */
  readonly host: LintHost | undefined
}

/** Where an engine's filter stands. */
export interface LintHost {
  readonly proxy: Proxy
  /** Of the `filter` line. */
  readonly place: Place
  /** The section that `use-backend` names. */
  readonly backend: Proxy | undefined
}

/** Whether a rule about branches from `first` to `last` has something to say. */
export function concerns(
  { branch }: LintSubject,
  { first = 0, last = 999 }: { readonly first?: HaproxyBranch; readonly last?: HaproxyBranch },
): boolean {
  return branch === undefined || (branch >= first && branch <= last)
}
