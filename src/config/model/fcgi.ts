/** The model of `fcgi-app` sections. */
import type { Place } from '../text/diagnostics.ts'
import type { Word } from '../text/word.ts'
import type { LogTarget } from './log.ts'
import type { AclDeclaration, Condition } from './rules.ts'

/** A `fcgi-app` section. */
export interface FcgiApp {
  readonly name: string
  readonly place: Place
  /** DOCUMENT_ROOT, and what SCRIPT_FILENAME begins with. */
  readonly docroot: Word | undefined
  /** Appended to a script name that ends in `/`. */
  readonly index: Word | undefined
  /** A regular expression on the decoded path: capture 1 is the script, 2 the path info. */
  readonly pathInfo: Word | undefined
  /** Where STDERR goes; empty: nowhere. */
  readonly logStderr: readonly LogTarget[]
  readonly acls: readonly AclDeclaration[]
  /** `set-param` and `pass-header`, in order. */
  readonly rules: readonly FcgiRule[]
  /** @default true */
  readonly keepConn: boolean
  /** Ask the application for its limits. @default false */
  readonly getValues: boolean
  /** Requests in one connection at a time. @default 1 */
  readonly maxReqs: number
  /** The application can multiplex. @default false */
  readonly mpxsConns: boolean
  /** Our own: most bytes of a request body without a length. @default 67108864 */
  readonly maxUnsizedBody: number
  /** Our own: how many of them are kept in memory; undefined: `tune.bufsize`. */
  readonly unsizedBodyMemory: number | undefined
  /** Our own: the application is told of a client that has gone. @default true */
  readonly abortRequest: boolean
}

/** A rule of a `fcgi-app` section; they are evaluated in order, and a later `set-param` of one name wins. */
export type FcgiRule =
  | {
      readonly type: 'set-param'
      readonly place: Place
      readonly name: Word
      readonly format: Word
      readonly condition: Condition | undefined
    }
  | {
      readonly type: 'pass-header'
      readonly place: Place
      readonly name: Word
      readonly condition: Condition | undefined
    }
