/** What compiling needs to know about its surroundings. */
import type { Acl } from './acl.ts'
import type { BuildContext } from './build-context.ts'
import type { SampleRegistry } from './registry.ts'
import type { Checkpoint } from './checkpoint.ts'

/** One for each rule set of a section; the parts that never change may be shared. */
export interface CompileContext extends BuildContext {
  /** Where the result will be evaluated. */
  readonly checkpoint: Checkpoint
  /** Whether the section is a backend (`backend`, `listen`), so that rules know theirs. */
  readonly isBackend: boolean
  /** The mode of the section: some log-format aliases exist in HTTP mode only. */
  readonly mode: 'tcp' | 'http'
  /** The ACLs that the section declared so far. `compileAcl` adds to it. */
  readonly aclsByName: Map<string, Acl>
  /** The fetches and converters that there are. @default those of HAProxy: `defaultRegistry` */
  readonly registry?: SampleRegistry
  /**
   * Says nothing about what HAProxy has and sluice has not: for who only wants to know what is wrong, and evaluates
   * nothing.
   */
  readonly ignoreUnsupported?: boolean
}
