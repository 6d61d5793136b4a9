/** The model of error pages. */
import type { HttpReply } from '../actions/http-reply.ts'
import type { Place } from '../text/diagnostics.ts'
import type { Word } from '../text/word.ts'

/** `errorfile`: the raw response for one status. */
export interface ErrorFile {
  readonly place: Place
  readonly status: number
  readonly file: Word
}

/** A line of a proxy that says what is answered in place of an error page; the last one for a status counts. */
export type ErrorPage =
  | ({ readonly kind: 'errorfile' } & ErrorFile)
  /** `errorloc`: a redirection with status 302 or 303. */
  | {
      readonly kind: 'errorloc'
      readonly place: Place
      readonly status: number
      readonly redirection: 302 | 303
      readonly url: Word
    }
  /** `errorfiles`: those of a `http-errors` section, for these statuses; undefined: for all that it has. */
  | {
      readonly kind: 'errorfiles'
      readonly place: Place
      readonly section: Word
      readonly statuses: readonly number[] | undefined
    }
  | { readonly kind: 'http-error'; readonly place: Place; readonly reply: HttpReply }

/** A `http-errors` section. */
export interface HttpErrors {
  readonly name: string
  readonly place: Place
  readonly files: readonly ErrorFile[]
}
