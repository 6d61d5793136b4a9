/**
 * What a configuration reader has to say: collected, never thrown one at a time, each with its place.
 */
import { isPlainObject, requireArgument } from '../../base/options.ts'
import { didYouMean } from '../../base/suggest.ts'

/** A place in a file: `line` and `column` count from 1. */
export interface Place {
  /** As it was named. */
  readonly file: string
  /** From 1. */
  readonly line: number
  /** From 1, in characters. */
  readonly column: number
}

/**
 * `error`: the configuration cannot be used; `warning`: it can, but is not what it seems; `note`: nothing is wrong, and
 * a person may want to know.
 */
export type Severity = 'error' | 'warning' | 'note'

/** One complaint. */
export interface Diagnostic {
  /** Whether the configuration can be used nevertheless. */
  readonly severity: Severity
  /** Stable, listed in docs/errors.md. */
  readonly code: string
  /** Where. */
  readonly place: Place
  /** What is wrong, with the offending text. */
  readonly message: string
  /** What to do about it. */
  readonly hint?: string
}

const mostRead = 50

/** Gathers diagnostics in the order they are found. */
export class Diagnostics {
  readonly list: Diagnostic[] = []

  /** A hint for a mistyped word, unless so much was found that nobody reads it: `known` may be ten thousand names. */
  nearest(word: string, known: Iterable<string>): string | undefined {
    return this.list.length < mostRead ? didYouMean(word, known) : undefined
  }

  /** Whether any of them is an error. */
  get failed(): boolean {
    return this.list.some((each) => each.severity === 'error')
  }

  error(code: string, place: Place, message: string, hint?: string): void {
    this.list.push({ severity: 'error', code, place, message, ...(hint === undefined ? {} : { hint }) })
  }

  warning(code: string, place: Place, message: string, hint?: string): void {
    this.list.push({ severity: 'warning', code, place, message, ...(hint === undefined ? {} : { hint }) })
  }

  note(code: string, place: Place, message: string): void {
    this.list.push({ severity: 'note', code, place, message })
  }
}

/** `file:line:column: error: message (CODE)`, then the hint on a line of its own. @throws UsageError `ERR_SLUICE_OPTION`. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const isOne = isPlainObject(diagnostic) && isPlainObject(diagnostic.place)
  requireArgument(
    isOne,
    'formatDiagnostic: the diagnostic',
    'must be one that loadProxy has given',
    diagnostic,
  )
  const { file, line, column } = diagnostic.place
  const hint = diagnostic.hint === undefined ? '' : `\n    hint: ${diagnostic.hint}`
  return `${file}:${line}:${column}: ${diagnostic.severity}: ${diagnostic.message} (${diagnostic.code})${hint}`
}
