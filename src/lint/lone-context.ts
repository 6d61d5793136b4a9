/** What compiling needs of a SPOE file whose configuration is not there. */
import { Buffer } from 'node:buffer'
import { Diagnostics } from '../config/index.ts'
import type { SpoeMessage } from '../config/index.ts'
import { eventCheckpoints, VariableNames } from '../sample/index.ts'
import type { CompileContext } from '../sample/index.ts'

/**
 * A context for the samples of `message`; complaints gather in its diagnostics. The filter's proxy and pattern files may be
 * elsewhere: nothing is held against them.
 * @param ignoreUnsupported says nothing about what HAProxy has and sluice has not.
 */
export function loneContext(
  { event }: Pick<SpoeMessage, 'event'>,
  ignoreUnsupported: boolean,
): CompileContext {
  return {
    diagnostics: new Diagnostics(),
    checkpoint: event === undefined ? 'http-request' : eventCheckpoints[event.name],
    isBackend: true,
    mode: 'http',
    aclsByName: new Map(),
    variableNames: new VariableNames(),
    environment: new Map(),
    hostname: '',
    ignoreUnsupported,
    readPatternFile: () => Buffer.alloc(0),
  }
}
