/** Diagnostics in the order of the files and lines they are about, whenever they were found. */
import type { Diagnostic } from './diagnostics.ts'

/** `list` sorted by file (in the order of `files`), line and column. */
export function inOrder(list: readonly Diagnostic[], files: readonly string[]): Diagnostic[] {
  return [...list].sort(
    ({ place: left }, { place: right }) =>
      files.indexOf(left.file) - files.indexOf(right.file) ||
      left.line - right.line ||
      left.column - right.column,
  )
}
