/** A `global` section while it is being read. */
import type { Global } from '../model/index.ts'
import type { Draft } from '../text/writable.ts'

/** A `global` section being read. */
export interface GlobalDraft extends Draft<Global> {
  /** What `"$NAME"` gives from here on; `setenv` and its relatives change it. */
  readonly environment: Map<string, string>
}

/** Nothing set yet. */
export function createGlobalDraft(environment: Map<string, string>): GlobalDraft {
  return {
    environment,
    logs: [],
    logTag: undefined,
    logSendHostname: undefined,
    maxconn: undefined,
    nbthread: undefined,
    description: undefined,
    node: undefined,
    bufferSize: undefined,
    statsSockets: 0,
    maxHeaders: undefined,
    loggedRequestLine: undefined,
    patternCacheSize: undefined,
    hardStopAfter: undefined,
  }
}
