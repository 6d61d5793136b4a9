/** Text of the configuration that is being parsed, and where it stands. */
import type { Place } from '../config/text/diagnostics.ts'
import type { Word } from '../config/text/word.ts'

/** Text, and the place of its first character. */
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
