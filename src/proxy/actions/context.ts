/** What actions need to be compiled, so that none of them knows the compiler. */
import type { Action, Place, UserAction, Word } from '../../config/index.ts'
import type { LogFormatUse, Checkpoint, SampleValue, Stream } from '../../sample/index.ts'
import type { SpoeMessagePlan, SpoePlan } from '../plan/spoe.ts'
import type { ErrorReply } from '../plan/reply.ts'
import type { Format, RuleAction } from '../plan/rule.ts'

/** What an action is compiled for: one rule set of one section. Complaints are made where they arise. */
export interface ActionContext {
  readonly checkpoint: Checkpoint

  error(place: Place, message: string, hint?: string): void
  /** Empty text after complaints. */
  format(word: Word, use: LogFormatUse): Format
  /** All of the words must be one expression; undefined after complaints. */
  expression(words: readonly Word[]): ((stream: Stream) => SampleValue | undefined) | undefined
  /** Makes the name of a variable known, so that agents may set it. */
  register(variable: { readonly scope: 'proc' | 'sess' | 'txn' | 'req' | 'res'; readonly name: string }): void
  /** The bytes of a file; undefined after a complaint. */
  bytes(file: Word): Buffer | undefined
  /** The absolute path of a folder; undefined after a complaint that it is none. */
  folder(name: Word): string | undefined
  /** A whole response in a file; undefined after a complaint. */
  errorFile(file: Word, status: number): ErrorReply | undefined
  /** The pages of a `http-errors` section; undefined when there is none, which was reported. */
  errorSection(name: string): ReadonlyMap<number, ErrorReply> | undefined
  /** What compiles an action of a user's own; undefined for a name that nobody brought. */
  userCompiler(name: string): ActionCompiler<UserAction> | undefined
  /** A group of a filter of the same section; undefined when there is none, which was reported. */
  group(engine: string, group: string): GroupPlan | undefined
}

/** What `send-spoe-group` sends, and to whom. */
export interface GroupPlan {
  readonly engine: SpoePlan
  readonly messages: readonly SpoeMessagePlan[]
}

/** Compiles one action; undefined after complaints. */
export type ActionCompiler<Each> = (action: Each, context: ActionContext) => RuleAction | undefined

/** A compiler for each action of a family. */
export type ActionCompilers<Family extends Action> = {
  readonly [Type in Family['type']]: ActionCompiler<Extract<Family, { readonly type: Type }>>
}
