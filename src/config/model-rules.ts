/** The model of conditions, rules and actions. */
import type { Place } from './diagnostics.ts'
import type { Word } from './word.ts'

/** `acl <name> <criterion> [flags] [operator] <value>...` */
export interface AclDeclaration {
  readonly place: Place
  readonly name: string
  /** Everything after the name. */
  readonly words: readonly Word[]
}

/** `if <words>` or `unless <words>`; the words are ACL names, `!`, `or`, `||` and `{ anonymous }` ones. */
export interface Condition {
  readonly kind: 'if' | 'unless'
  readonly place: Place
  readonly words: readonly Word[]
}

/** `use_backend <name> [condition]`; a name that holds `%[` is a log format. */
export interface UseBackend {
  readonly place: Place
  readonly backend: Word
  readonly condition: Condition | undefined
}

/** The rule sets, in the order in which a stream meets them. */
export const ruleSets = [
  'tcp-request connection',
  'tcp-request session',
  'tcp-request content',
  'http-request',
  'tcp-response content',
  'http-response',
  'http-after-response',
] as const

/** The name of a rule set. */
export type RuleSet = (typeof ruleSets)[number]

/** The rules of a proxy, by their set. */
export type Rules = { readonly [Set in RuleSet]: readonly Rule[] }

/** One rule. */
export interface Rule {
  readonly place: Place
  readonly ruleSet: RuleSet
  readonly action: Action
  readonly condition: Condition | undefined
}

/** What a rule does. Formats are log formats, expressions are sample expressions. */
export type Action =
  | { readonly type: 'accept' }
  | { readonly type: 'reject' }
  | { readonly type: 'allow' }
  | { readonly type: 'deny'; readonly reply: HttpReply }
  | { readonly type: 'return'; readonly reply: HttpReply }
  | RedirectAction
  | { readonly type: 'set-header' | 'add-header'; readonly name: Word; readonly format: Word }
  | { readonly type: 'del-header'; readonly name: Word; readonly match: HeaderMatch }
  | { readonly type: 'set-path' | 'set-query'; readonly format: Word }
  | { readonly type: 'set-status'; readonly status: number; readonly reason: Word | undefined }
  | SetVarAction
  | { readonly type: 'unset-var'; readonly variable: VariableName }
  | { readonly type: 'send-spoe-group'; readonly engine: Word; readonly group: Word }

/** `del-header <name> [-m <method>]`. */
export type HeaderMatch = 'str' | 'beg' | 'end' | 'sub' | 'reg'

/** The answer of `return` and `deny`. */
export interface HttpReply {
  /** 200 to 599. Defaults: `return` 200, `http-request deny` 403, `http-response deny` 502. */
  readonly status: number
  readonly contentType: Word | undefined
  /** Undefined: none. */
  readonly body: HttpReplyBody | undefined
  readonly headers: readonly { readonly name: Word; readonly format: Word }[]
}

/** What an answer carries; `error-page` is the page (`errorfile`) of the proxy for the status. */
export type HttpReplyBody =
  | { readonly kind: 'error-page' }
  | { readonly kind: 'string'; readonly text: Word }
  | { readonly kind: 'lf-string'; readonly format: Word }
  | { readonly kind: 'file'; readonly file: Word }
  | { readonly kind: 'lf-file'; readonly file: Word }

/** `redirect {location|prefix|scheme} <format> [code N] [drop-query] [append-slash] [set-cookie C] [clear-cookie C]` */
export interface RedirectAction {
  readonly type: 'redirect'
  readonly kind: 'location' | 'prefix' | 'scheme'
  readonly format: Word
  /** 301, 302, 303, 307 or 308. @default 302 */
  readonly status: number
  readonly dropQuery: boolean
  readonly appendSlash: boolean
  /** The value of a Set-Cookie header, ready to send but for the name of the header. */
  readonly setCookie: string | undefined
}

/** `set-var(name[,condition...]) <expression>` and `set-var-fmt(name[,condition...]) <format>`. */
export type SetVarAction = {
  readonly variable: VariableName
  readonly conditions: readonly SetVarCondition[]
} & (
  | { readonly type: 'set-var'; readonly expression: readonly Word[] }
  | { readonly type: 'set-var-fmt'; readonly format: Word }
)

/** The variable is left alone unless all of these hold. */
export type SetVarCondition =
  | 'ifempty'
  | 'ifexists'
  | 'ifgt'
  | 'iflt'
  | 'ifnotempty'
  | 'ifnotexists'
  | 'ifnotset'
  | 'ifset'

/** How long a variable lives: the process, the client connection, the transaction, its request, its response. */
export type VariableScope = 'proc' | 'sess' | 'txn' | 'req' | 'res'

/** `txn.iprep.score` is scope `txn` and name `iprep.score`. */
export interface VariableName {
  readonly scope: VariableScope
  readonly name: string
}
