/** Actions on the headers of a message. */
import type { Args } from '../text/args.ts'
import type { Word } from '../text/word.ts'
import type { ActionInfo } from './action-info.ts'
import { httpSets } from './rule-set.ts'

/** `del-header <name> [-m <method>]`. */
export type HeaderMatch = 'str' | 'beg' | 'end' | 'sub' | 'reg'

/** See the head of this file. */
export type HeaderAction =
  | { readonly type: 'set-header' | 'add-header' | 'early-hint'; readonly name: Word; readonly format: Word }
  | { readonly type: 'del-header'; readonly name: Word; readonly match: HeaderMatch }
  | {
      /** `replace-header` works on whole lines, `replace-value` on the values between their commas. */
      readonly type: 'replace-header' | 'replace-value'
      readonly name: Word
      readonly regex: Word
      readonly format: Word
    }

function readHeader(type: 'set-header' | 'add-header' | 'early-hint', args: Args): HeaderAction | undefined {
  const written = args.expect('<name> and <format>')
  const format = written === undefined ? undefined : args.expect('<format>')
  if (written === undefined || format === undefined) return undefined
  return { type, name: withoutColon(args, written), format }
}

/** HAProxy takes such names, and sends two colons. */
function withoutColon(args: Args, name: Word): Word {
  if (!/^[^:]+:$/.test(name.text)) return name
  args.warning(
    'CFG_ARGUMENT',
    name.place,
    `the colon of '${name.text}' is no part of the name and is left out`,
  )
  return { ...name, text: name.text.slice(0, -1) }
}

function readDelHeader(args: Args): HeaderAction | undefined {
  const name = args.expect('<name>')
  if (name === undefined) return undefined
  if (!args.accept('-m')) return { type: 'del-header', name, match: 'str' }
  const matches = ['str', 'beg', 'end', 'sub', 'reg'] as const satisfies readonly HeaderMatch[]
  const match = args.oneOf('the method after -m', matches)
  return match === undefined ? undefined : { type: 'del-header', name, match }
}

function readReplace(type: 'replace-header' | 'replace-value', args: Args): HeaderAction | undefined {
  const name = args.expect('<name>, <regex> and <format>')
  const regex = name === undefined ? undefined : args.expect('<regex> and <format>')
  const format = regex === undefined ? undefined : args.expect('<format>')
  if (name === undefined || regex === undefined || format === undefined) return undefined
  return { type, name, regex, format }
}

/** All of them. */
export const headerActions: readonly ActionInfo<HeaderAction>[] = [
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
    name: 'early-hint',
    ruleSets: ['http-request'],
    syntax: '<name> <fmt>',
    doc: 'send a response with status 103 and this header ahead; each rule sends one of its own',
    since: '1.9',
    read: (args) => readHeader('early-hint', args),
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
    name: 'replace-header',
    ruleSets: httpSets,
    syntax: '<name> <regex> <fmt>',
    doc: 'replace the values of headers that match, each as a whole',
    since: '1.5',
    read: (args) => readReplace('replace-header', args),
  },
  {
    name: 'replace-value',
    ruleSets: httpSets,
    syntax: '<name> <regex> <fmt>',
    doc: 'replace the comma-separated values of headers that match, each by itself',
    since: '1.5',
    read: (args) => readReplace('replace-value', args),
  },
]
