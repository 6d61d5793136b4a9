/** What compiling needs to know about its surroundings: all that the pure library does not look up by itself. */
import type { Diagnostics, Place } from '../config/diagnostics.ts'
import type { Word } from '../config/word.ts'
import type { Acl } from './acl.ts'
import type { SampleFault } from './errors.ts'
import type { Ruleset } from './ruleset.ts'
import type { VariableNames } from './variables.ts'

/** See the head of this file. One per ruleset of a section; the parts that never change may be shared. */
export interface CompileContext {
  /** Where complaints go. */
  readonly diagnostics: Diagnostics
  /** Where the result will be evaluated. */
  readonly ruleset: Ruleset
  /** Whether the section is a backend (`backend`, `listen`), so that rules know theirs. */
  readonly isBackend: boolean
  /** The mode of the section: some log-format aliases exist in HTTP mode only. */
  readonly mode: 'tcp' | 'http'
  /** The ACLs that the section declared so far. `compileAcl` adds to it. */
  readonly aclsByName: Map<string, Acl>
  /** Names found in fetches, converters and rules are added to it. */
  readonly variableNames: VariableNames
  /** For `env()`. */
  readonly environment: ReadonlyMap<string, string>
  /** For `hostname` and `%H`. */
  readonly hostname: string
  /** `tune.bufsize`: nobody waits for bytes beyond what a buffer holds. @default 16384 */
  readonly bufferSize?: number
  /**
   * Says nothing about what HAProxy has and sluice has not: for who only wants to know what is wrong, and evaluates
   * nothing.
   */
  readonly ignoreUnsupported?: boolean

  /** The latin1 text of a pattern or map file; undefined when it cannot be read. */
  readPatternFile(path: string): string | undefined
}

/** Text being parsed, and where it stands. */
export interface Source {
  readonly text: string
  readonly place: Place
}

/** A word as a source. */
export function sourceOf(word: Word): Source {
  return { text: word.text, place: word.place }
}

/**
 * The place of a character of the source. Columns after a quote or an escape of the same word are a little too
 * small, since a word no longer has them.
 */
export function placeAt(source: Source, offset: number): Place {
  const { file, line, column } = source.place
  return { file, line, column: column + offset }
}

/** Adds an error. Undefined, so that a function can return it. */
export function complain(
  context: CompileContext,
  code: SampleFault,
  place: Place,
  message: string,
  hint?: string,
): undefined {
  context.diagnostics.error(code, place, message, hint)
}
