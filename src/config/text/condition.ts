/** The model of conditions. */
import type { Place } from './diagnostics.ts'
import type { Word } from './word.ts'

/** `if <words>` or `unless <words>`; the words are ACL names, `!`, `or`, `||` and `{ anonymous }` ones. */
export interface Condition {
  readonly kind: 'if' | 'unless'
  readonly place: Place
  readonly words: readonly Word[]
}
