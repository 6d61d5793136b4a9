/** `set-status`: the status line of a response. */
import type { Args } from '../text/args.ts'
import type { Word } from '../text/word.ts'
import { isCondition } from './action-info.ts'
import type { ActionInfo } from './action-info.ts'

/** See the head of this file. */
export interface StatusAction {
  readonly type: 'set-status'
  /** 100 to 999. */
  readonly status: number
  readonly reason: Word | undefined
}

function readStatus(args: Args): StatusAction | undefined {
  const status = args.integer('<status>', 100, 999)
  if (status === undefined) return undefined
  const hasReason = args.peek()?.text === 'reason' && !isCondition(args.peek(1))
  if (hasReason) args.skip(1)
  return { type: 'set-status', status, reason: hasReason ? args.next() : undefined }
}

/** The only one. */
export const statusActions: readonly ActionInfo<StatusAction>[] = [
  {
    name: 'set-status',
    ruleSets: ['http-response', 'http-after-response'],
    syntax: '<code> [reason <text>]',
    doc: 'replace the status',
    since: '1.6',
    read: readStatus,
  },
]
