/** What the registry of actions knows of one of them. */
import type { Args } from '../text/args.ts'
import type { Word } from '../text/word.ts'
import type { CaptureSlot } from './capture-slot.ts'
import type { RuleSet } from './rule-set.ts'

/** What an action may have to do with the section that it stands in. */
export interface ActionSection {
  readonly kind: 'defaults' | 'frontend' | 'listen' | 'backend'
  /** `capture` with a length declares a slot for itself. */
  readonly captures: { readonly request: CaptureSlot[]; readonly response: CaptureSlot[] }
}

/** One action: where it is allowed, and the reader of its arguments. */
export interface ActionInfo<Action> {
  readonly name: string
  readonly ruleSets: readonly RuleSet[]
  readonly syntax: string
  readonly doc: string
  readonly since: string
  /** Nothing is evaluated after it when it has no condition. */
  readonly final?: boolean
  readonly parentheses?: boolean
  /** The action, or undefined when its arguments are wrong, which was reported. */
  read(args: Args, ruleSet: RuleSet, section: ActionSection): Action | undefined
}

/** Whether the arguments of an action end here. */
export function isCondition(word: Word | undefined): boolean {
  return word === undefined || word.text === 'if' || word.text === 'unless'
}

/** The words of a sample expression: everything up to `if`, `unless` or one of `ends`. Converters may stand in words of their own. */
export function readExpression(args: Args, ...ends: readonly string[]): readonly Word[] | undefined {
  const first = args.expect('<expression>')
  if (first === undefined) return undefined
  const words = [first]
  for (;;) {
    const word = args.peek()
    if (word === undefined || isCondition(word) || ends.includes(word.text)) return words
    words.push(word)
    args.skip(1)
  }
}
