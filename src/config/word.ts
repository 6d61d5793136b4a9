import type { Place } from './diagnostics.ts'

/** One word of a configuration line, after quotes, escapes and environment variables were resolved. */
export interface Word {
  readonly text: string
  readonly place: Place
  /** Whether any part of the word stood in quotes (an empty word always does). */
  readonly quoted: boolean
}
