/** `capture <sample> {len <length> | id <id>}`: a sample for the log. */
import type { Args } from '../text/args.ts'
import type { Word } from '../text/word.ts'
import { readExpression } from './action-info.ts'
import type { ActionInfo, ActionSection } from './action-info.ts'
import type { RuleSet } from './rule-set.ts'

/** See the head of this file. */
export interface CaptureAction {
  readonly type: 'capture'
  readonly side: 'request' | 'response'
  readonly expression: readonly Word[]
  /** The slot of the frontend, from 0; a backend that names one which its frontend lacks captures nothing. */
  readonly slot: number
  /** Where the number of a slot was given, which must be declared. */
  readonly slotWord: Word | undefined
}

const ruleSets: readonly RuleSet[] = [
  'tcp-request content',
  'http-request',
  'http-response',
  'http-after-response',
]

function read(args: Args, ruleSet: RuleSet, section: ActionSection): CaptureAction | undefined {
  const side = ruleSet === 'http-request' || ruleSet === 'tcp-request content' ? 'request' : 'response'
  const expression = readExpression(args, 'len', 'id')
  if (expression === undefined) return undefined
  const choices = ruleSet === 'tcp-request content' ? ['len'] : side === 'response' ? ['id'] : ['len', 'id']
  const kind = args.oneOf(choices.map((each) => `'${each}'`).join(' or '), choices)
  if (kind === undefined) return undefined
  if (kind === 'id') {
    const slotWord = args.peek()
    const slot = args.integer('<id>', 0)
    return slot === undefined ? undefined : { type: 'capture', side, expression, slot, slotWord }
  }
  const length = args.integer('<length>', 1)
  if (length === undefined) return undefined
  if (section.kind === 'backend') {
    const hint = "declare it in the frontend, and use 'id' here"
    return args.error('CFG_ARGUMENT', args.place, 'a backend has no slots of its own', hint)
  }
  const slots = section.captures.request
  return {
    type: 'capture',
    side,
    expression,
    slot: slots.push({ header: undefined, length }) - 1,
    slotWord: undefined,
  }
}

/** The only one. */
export const captureActions: readonly ActionInfo<CaptureAction>[] = [
  {
    name: 'capture',
    ruleSets,
    syntax: '<sample> {len <length> | id <id>}',
    doc: 'keep a sample for the log, in a slot of its own or in one that the frontend declares',
    since: '1.6',
    read,
  },
]
