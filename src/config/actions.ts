/** What rules can do: one entry per action, with the rule sets it is allowed in and the reader of its arguments. */
import type { Args } from './args.ts'
import { readHttpReply } from './http-reply.ts'
import type { Action, HeaderMatch, RuleSet, SetVarCondition } from './model.ts'
import { readRedirect } from './redirect.ts'
import type { Word } from './word.ts'

/** One action. */
export interface ActionInfo {
  readonly name: string
  readonly ruleSets: readonly RuleSet[]
  readonly syntax: string
  readonly doc: string
  readonly since: string
  /** Nothing is evaluated after it when it has no condition. */
  readonly final?: boolean
  readonly parentheses?: boolean
  /** The action, or undefined when its arguments are wrong, which was reported. */
  read(args: Args, ruleSet: RuleSet): Action | undefined
}

const tcpSets: readonly RuleSet[] = [
  'tcp-request connection',
  'tcp-request session',
  'tcp-request content',
  'tcp-response content',
]
const httpSets: readonly RuleSet[] = ['http-request', 'http-response', 'http-after-response']
const allSets: readonly RuleSet[] = [...tcpSets, ...httpSets]

function readHeader(type: 'set-header' | 'add-header', args: Args): Action | undefined {
  const name = args.expect('<name> and <format>')
  const format = name === undefined ? undefined : args.expect('<format>')
  return name === undefined || format === undefined ? undefined : { type, name, format }
}

function readDelHeader(args: Args): Action | undefined {
  const name = args.expect('<name>')
  if (name === undefined) return undefined
  if (!args.accept('-m')) return { type: 'del-header', name, match: 'str' }
  const matches = ['str', 'beg', 'end', 'sub', 'reg'] as const satisfies readonly HeaderMatch[]
  const match = args.oneOf('the method after -m', matches)
  return match === undefined ? undefined : { type: 'del-header', name, match }
}

function readFormat(type: 'set-path' | 'set-query', args: Args): Action | undefined {
  const format = args.expect('<format>')
  return format === undefined ? undefined : { type, format }
}

function readStatus(args: Args): Action | undefined {
  const status = args.integer('<status>', 100, 999)
  if (status === undefined) return undefined
  const next = args.peek(1)?.text
  const hasReason = args.peek()?.text === 'reason' && next !== undefined && next !== 'if' && next !== 'unless'
  if (hasReason) args.skip(1)
  return { type: 'set-status', status, reason: hasReason ? args.next() : undefined }
}

const setVarConditions = [
  'ifempty',
  'ifexists',
  'ifgt',
  'iflt',
  'ifnotempty',
  'ifnotexists',
  'ifnotset',
  'ifset',
] as const satisfies readonly SetVarCondition[]

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

function readSetVar(type: 'set-var' | 'set-var-fmt', args: Args): Action | undefined {
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

/** The words of a sample expression: everything up to `if` or `unless`. Converters may stand in words of their own. */
function readExpression(args: Args): readonly Word[] | undefined {
  const first = args.expect('<expression>')
  if (first === undefined) return undefined
  const words = [first]
  for (;;) {
    const word = args.peek()
    if (word === undefined || word.text === 'if' || word.text === 'unless') return words
    words.push(word)
    args.skip(1)
  }
}

function readUnsetVar(args: Args): Action | undefined {
  const found = readVariable(args)
  if (found === undefined) return undefined
  if (found.rest.length > 0) return args.error('CFG_ARGUMENT', found.place, 'takes no conditions')
  return { type: 'unset-var', variable: found.variable }
}

function readGroup(args: Args): Action | undefined {
  const engine = args.expect('<engine> and <group>')
  const group = engine === undefined ? undefined : args.expect('<group>')
  return engine === undefined || group === undefined ? undefined : { type: 'send-spoe-group', engine, group }
}

function readReply(type: 'deny' | 'return', status: number, args: Args): Action | undefined {
  const reply = readHttpReply(args, status)
  return reply === undefined ? undefined : { type, reply }
}

/** Every action that is implemented. */
export const actions: readonly ActionInfo[] = [
  {
    name: 'accept',
    ruleSets: tcpSets,
    syntax: '',
    doc: 'stop evaluating these rules and go on',
    since: '1.3',
    final: true,
    read: () => ({ type: 'accept' }),
  },
  {
    name: 'reject',
    ruleSets: tcpSets,
    syntax: '',
    doc: 'close the connection',
    since: '1.3',
    final: true,
    read: () => ({ type: 'reject' }),
  },
  {
    name: 'allow',
    ruleSets: httpSets,
    syntax: '',
    doc: 'stop evaluating these rules and go on',
    since: '1.4',
    final: true,
    read: () => ({ type: 'allow' }),
  },
  {
    name: 'deny',
    ruleSets: ['http-request', 'http-response'],
    syntax:
      '[status <code>] [content-type <type>] [string <text> | lf-string <fmt> | file <file> | lf-file <file>] [hdr <name> <fmt>]',
    doc: 'answer with an error (403 to a request, 502 in place of a response)',
    since: '1.4',
    final: true,
    read: (args, ruleSet) => readReply('deny', ruleSet === 'http-request' ? 403 : 502, args),
  },
  {
    name: 'return',
    ruleSets: ['http-request', 'http-response'],
    syntax:
      '[status <code>] [content-type <type>] [string <text> | lf-string <fmt> | file <file> | lf-file <file>] [hdr <name> <fmt>]',
    doc: 'answer without a server',
    since: '2.2',
    final: true,
    read: (args) => readReply('return', 200, args),
  },
  {
    name: 'redirect',
    ruleSets: ['http-request'],
    syntax:
      '{location | prefix | scheme} <fmt> [code <code>] [drop-query] [append-slash] [set-cookie <c>] [clear-cookie <c>]',
    doc: 'answer with a redirection',
    since: '1.5',
    final: true,
    read: (args) => readRedirect(args),
  },
  {
    name: 'set-header',
    ruleSets: httpSets,
    syntax: '<name> <fmt>',
    doc: 'replace all headers of that name by one',
    since: '1.5',
    read: (args) => readHeader('set-header', args),
  },
  {
    name: 'add-header',
    ruleSets: httpSets,
    syntax: '<name> <fmt>',
    doc: 'append a header',
    since: '1.5',
    read: (args) => readHeader('add-header', args),
  },
  {
    name: 'del-header',
    ruleSets: httpSets,
    syntax: '<name> [-m {str | beg | end | sub | reg}]',
    doc: 'remove headers',
    since: '1.5',
    read: readDelHeader,
  },
  {
    name: 'set-path',
    ruleSets: ['http-request'],
    syntax: '<fmt>',
    doc: 'replace the path, not the query string',
    since: '1.6',
    read: (args) => readFormat('set-path', args),
  },
  {
    name: 'set-query',
    ruleSets: ['http-request'],
    syntax: '<fmt>',
    doc: 'replace the query string',
    since: '1.6',
    read: (args) => readFormat('set-query', args),
  },
  {
    name: 'set-status',
    ruleSets: ['http-response', 'http-after-response'],
    syntax: '<code> [reason <text>]',
    doc: 'replace the status',
    since: '1.6',
    read: readStatus,
  },
  {
    name: 'set-var',
    ruleSets: allSets,
    syntax: '(<scope>.<name>[,<cond>...]) <expr>',
    doc: 'set a variable to a sample',
    since: '1.6',
    parentheses: true,
    read: (args) => readSetVar('set-var', args),
  },
  {
    name: 'set-var-fmt',
    ruleSets: allSets,
    syntax: '(<scope>.<name>[,<cond>...]) <fmt>',
    doc: 'set a variable to a formatted string',
    since: '2.5',
    parentheses: true,
    read: (args) => readSetVar('set-var-fmt', args),
  },
  {
    name: 'unset-var',
    ruleSets: allSets,
    syntax: '(<scope>.<name>)',
    doc: 'remove a variable',
    since: '1.7',
    parentheses: true,
    read: readUnsetVar,
  },
  {
    name: 'send-spoe-group',
    ruleSets: ['tcp-request content', 'tcp-response content', 'http-request', 'http-response'],
    syntax: '<engine> <group>',
    doc: 'send the messages of a SPOE group and wait for the answer',
    since: '1.8',
    read: readGroup,
  },
]
