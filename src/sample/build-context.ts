/** What fetches and converters may ask for while they are built from their arguments. */
import type { Buffer } from 'node:buffer'
import type { Diagnostics, Place } from '../config/text/diagnostics.ts'
import type { SampleFault } from './errors.ts'
import type { PatternCache } from './patterns/pattern-cache.ts'
import type { VariableNames } from './variables.ts'

/** The same for a whole configuration: all that the pure library does not look up by itself. */
export interface BuildContext {
  /** Where complaints go. */
  readonly diagnostics: Diagnostics
  /** Names found in fetches, converters and rules are added to it. */
  readonly variableNames: VariableNames
  /** For `env()`. */
  readonly environment: ReadonlyMap<string, string>
  /** For `hostname` and `%H`. */
  readonly hostname: string
  /** `tune.bufsize`: nobody waits for bytes beyond what a buffer holds. @default 16384 */
  readonly bufferSize?: number
  /** Where sets of patterns keep what they found of late (`tune.pattern.cache-size`). @default nothing is kept */
  readonly patternCache?: PatternCache

  /** The bytes of a pattern or map file; undefined when it cannot be read. */
  readPatternFile(path: string): Buffer | undefined
}

/** Adds an error. Undefined, so that a function can return it. */
export function complain(
  context: Pick<BuildContext, 'diagnostics'>,
  code: SampleFault,
  place: Place,
  message: string,
  hint?: string,
): undefined {
  context.diagnostics.error(code, place, message, hint)
}
