/** `send-spoe-group` (SPOE.txt 2.4). */
import type { Args } from '../text/args.ts'
import type { Word } from '../text/word.ts'
import type { ActionInfo } from './action-info.ts'

/** See the head of this file. */
export interface SpoeGroupAction {
  readonly type: 'send-spoe-group'
  readonly engine: Word
  readonly group: Word
}

function readGroup(args: Args): SpoeGroupAction | undefined {
  const engine = args.expect('<engine> and <group>')
  const group = engine === undefined ? undefined : args.expect('<group>')
  return engine === undefined || group === undefined ? undefined : { type: 'send-spoe-group', engine, group }
}

/** The only one. */
export const spoeGroupActions: readonly ActionInfo<SpoeGroupAction>[] = [
  {
    name: 'send-spoe-group',
    ruleSets: ['tcp-request content', 'tcp-response content', 'http-request', 'http-response'],
    syntax: '<engine> <group>',
    doc: 'send the messages of a SPOE group and wait for the answer',
    since: '1.8',
    read: readGroup,
  },
]
