/** The model of conditions and rules. */
import type { Action } from '../actions/registry.ts'
import type { RuleSet } from '../actions/rule-set.ts'
import type { Condition } from '../text/condition.ts'
import type { Place } from '../text/diagnostics.ts'
import type { Word } from '../text/word.ts'

export type { CaptureAction } from '../actions/capture.ts'
export type { CaptureSlot } from '../actions/capture-slot.ts'
export type { HeaderAction, HeaderMatch } from '../actions/headers.ts'
export type { HttpReply, HttpReplyBody } from '../actions/http-reply.ts'
export type { LogLevelAction, StreamLogLevel } from '../actions/log-level.ts'
export type { RedirectAction } from '../actions/redirect.ts'
export type { Action } from '../actions/registry.ts'
export type { ReplyAction } from '../actions/replies.ts'
export type { RequestLineAction, TargetPart } from '../actions/request-line.ts'
export type { RetryAction } from '../actions/retry.ts'
export { ruleSets } from '../actions/rule-set.ts'
export type { RuleSet } from '../actions/rule-set.ts'
export type { SpoeGroupAction } from '../actions/spoe-group.ts'
export type { StatusAction } from '../actions/status.ts'
export type { TryFilesAction } from '../actions/try-files.ts'
export type { UserAction, UserActionInfo } from '../actions/user.ts'
export type { SetVarAction, SetVarCondition, VariableAction } from '../actions/variables.ts'
export type { VerdictAction } from '../actions/verdicts.ts'
export type { WaitForBodyAction } from '../actions/wait-for-body.ts'
export type { Condition } from '../text/condition.ts'
export type { VariableName, VariableScope } from '../text/variable-name.ts'

/** `acl <name> <criterion> [flags] [operator] <value>...` */
export interface AclDeclaration {
  readonly place: Place
  readonly name: string
  /** Everything after the name; nothing when the line is malformed, which was reported. */
  readonly words: readonly Word[]
}

/** `use_backend <name> [condition]`; a name that holds `%[` is a log format. */
export interface UseBackend {
  readonly place: Place
  readonly backend: Word
  readonly condition: Condition | undefined
}

/** The rules of a proxy, by their set. */
export type Rules = { readonly [Set in RuleSet]: readonly Rule[] }

/** One rule. */
export interface Rule {
  readonly place: Place
  readonly ruleSet: RuleSet
  readonly action: Action
  readonly condition: Condition | undefined
}
