import type { Place } from './diagnostics.ts'

/** One word of a configuration line, after quotes, escapes and environment variables were resolved. */
export interface Word {
  readonly text: string
  readonly place: Place
  /** Whether any part of the word stood in quotes (an empty word always does). */
  readonly quoted: boolean
  /** The text as an address: `$NAME` and `${NAME}` that stood outside of quotes are resolved. Missing when that is the text. */
  readonly address?: string
}

/** The word as readers of addresses see it. */
export function addressWord(word: Word): Word {
  return word.address === undefined ? word : { ...word, text: word.address }
}
