/** An action of a user's own: its name and its words; what they mean is known to whoever brought it. */
import type { Args } from '../text/args.ts'
import type { Word } from '../text/word.ts'
import { isCondition } from './action-info.ts'
import type { ActionInfo } from './action-info.ts'

/** See the head of this file. */
export interface UserAction {
  readonly type: 'user'
  readonly name: string
  /** Everything up to the condition. */
  readonly words: readonly Word[]
}

/** What the reader has to know of one; `syntax` and `doc` are for messages. */
export type UserActionInfo = Pick<ActionInfo<UserAction>, 'name' | 'ruleSets' | 'syntax' | 'doc'>

/** Its row in the table of actions. */
export function userAction(info: UserActionInfo): ActionInfo<UserAction> {
  return { ...info, since: '', read: (args) => ({ type: 'user', name: info.name, words: readWords(args) }) }
}

function readWords(args: Args): Word[] {
  const words: Word[] = []
  for (let word = args.peek(); word !== undefined && !isCondition(word); word = args.peek()) {
    words.push(word)
    args.skip(1)
  }
  return words
}
