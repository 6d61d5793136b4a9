/** `wait-for-body`: the rules that follow see the body of the request, or as much of it as is asked for. */
import type { Args } from '../text/args.ts'
import { isCondition } from './action-info.ts'
import type { ActionInfo } from './action-info.ts'

/** See the head of this file. */
export interface WaitForBodyAction {
  readonly type: 'wait-for-body'
  /** Milliseconds that all of it may take; undefined: as long as the client sends more within `timeout client`. */
  readonly time: number | undefined
  /** Bytes that are enough; undefined: all of it, or a full buffer. */
  readonly atLeast: number | undefined
}

function readWaitForBody(args: Args): WaitForBodyAction | undefined {
  let time: number | undefined
  let atLeast: number | undefined
  for (let word = args.peek(); word !== undefined && !isCondition(word); word = args.peek()) {
    if (args.accept('time')) time = args.time('<time>')
    else if (args.accept('at-least')) atLeast = args.size('<bytes>')
    else return args.error('CFG_ARGUMENT', word.place, `'${word.text}' is neither 'time' nor 'at-least'`)
  }
  if (time === undefined) return args.error('CFG_ARGUMENT_MISSING', args.place, "expects 'time <time>'")
  return {
    type: 'wait-for-body',
    time: time === 0 ? undefined : time,
    atLeast: atLeast === 0 ? undefined : atLeast,
  }
}

/** The only one. */
export const waitForBodyActions: readonly ActionInfo<WaitForBodyAction>[] = [
  {
    name: 'wait-for-body',
    ruleSets: ['http-request'],
    syntax: 'time <time> [at-least <bytes>]',
    doc: 'wait for the body, for a full buffer or for so many bytes of it; 408 when they do not come in time (0: `timeout client` alone)',
    since: '2.4',
    read: readWaitForBody,
  },
]
