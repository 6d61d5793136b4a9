/** `set-var`, `set-var-fmt` and `unset-var`. */
import type { Args } from '../text/args.ts'
import type { VariableName } from '../text/variable-name.ts'
import type { Word } from '../text/word.ts'
import { readExpression } from './action-info.ts'
import type { ActionInfo } from './action-info.ts'
import { ruleSets } from './rule-set.ts'

/** `set-var(name[,condition...]) <expression>` and `set-var-fmt(name[,condition...]) <format>`. */
export type SetVarAction = {
  readonly variable: VariableName
  readonly conditions: readonly SetVarCondition[]
} & (
  | { readonly type: 'set-var'; readonly expression: readonly Word[] }
  | { readonly type: 'set-var-fmt'; readonly format: Word }
)

/** See the head of this file. */
export type VariableAction = SetVarAction | { readonly type: 'unset-var'; readonly variable: VariableName }

const setVarConditions = [
  'ifempty',
  'ifexists',
  'ifgt',
  'iflt',
  'ifnotempty',
  'ifnotexists',
  'ifnotset',
  'ifset',
] as const

/** The variable is left alone unless all of these hold. */
export type SetVarCondition = (typeof setVarConditions)[number]

/** The pieces between the parentheses of `set-var(name,condition)`; reports what is wrong with the word. */
function parenthesised(args: Args): { readonly pieces: readonly string[]; readonly word: Word } | undefined {
  const word = args.keywordWord
  const inside = /^[a-z-]+\((.*)\)$/s.exec(word.text)?.[1]
  if (inside !== undefined) return { pieces: inside.split(','), word }
  const name = word.text.replace(/\(.*/s, '')
  return args.error('CFG_ARGUMENT', word.place, `write '${name}(<scope>.<name>)', without spaces`)
}

function readVariable(args: Args) {
  const found = parenthesised(args)
  if (found === undefined) return undefined
  const [name = '', ...rest] = found.pieces
  const variable = args.variable(name, found.word.place)
  return variable === undefined ? undefined : { variable, rest, place: found.word.place }
}

function readSetVar(type: 'set-var' | 'set-var-fmt', args: Args): VariableAction | undefined {
  const found = readVariable(args)
  if (found === undefined) return undefined
  const conditions: SetVarCondition[] = []
  for (const text of found.rest) {
    const condition = setVarConditions.find((each) => each === text)
    if (condition === undefined) {
      return args.error(
        'CFG_ARGUMENT',
        found.place,
        `'${text}' is no condition of set-var`,
        `known are ${setVarConditions.join(', ')}`,
      )
    }
    conditions.push(condition)
  }
  const { variable } = found
  if (type === 'set-var-fmt') {
    const format = args.expect('<format>')
    return format === undefined ? undefined : { type, variable, conditions, format }
  }
  const expression = readExpression(args)
  return expression === undefined ? undefined : { type, variable, conditions, expression }
}

function readUnsetVar(args: Args): VariableAction | undefined {
  const found = readVariable(args)
  if (found === undefined) return undefined
  if (found.rest.length > 0) return args.error('CFG_ARGUMENT', found.place, 'takes no conditions')
  return { type: 'unset-var', variable: found.variable }
}

/** All of them. */
export const variableActions: readonly ActionInfo<VariableAction>[] = [
  {
    name: 'set-var',
    ruleSets,
    syntax: '(<scope>.<name>[,<cond>...]) <expr>',
    doc: 'set a variable to a sample',
    since: '1.6',
    parentheses: true,
    read: (args) => readSetVar('set-var', args),
  },
  {
    name: 'set-var-fmt',
    ruleSets,
    syntax: '(<scope>.<name>[,<cond>...]) <fmt>',
    doc: 'set a variable to a formatted string',
    since: '2.5',
    parentheses: true,
    read: (args) => readSetVar('set-var-fmt', args),
  },
  {
    name: 'unset-var',
    ruleSets,
    syntax: '(<scope>.<name>)',
    doc: 'remove a variable',
    since: '1.7',
    parentheses: true,
    read: readUnsetVar,
  },
]
