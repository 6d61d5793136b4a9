/** Actions on the headers of a message. */
import type { Args } from '../args.ts'
import type { Word } from '../word.ts'
import type { ActionInfo } from './action-info.ts'
import { httpSets } from './rule-set.ts'

/** `del-header <name> [-m <method>]`. */
export type HeaderMatch = 'str' | 'beg' | 'end' | 'sub' | 'reg'

/** See the head of this file. */
export type HeaderAction =
  | { readonly type: 'set-header' | 'add-header'; readonly name: Word; readonly format: Word }
  | { readonly type: 'del-header'; readonly name: Word; readonly match: HeaderMatch }
  | {
      /** `replace-header` works on whole lines, `replace-value` on the values between their commas. */
      readonly type: 'replace-header' | 'replace-value'
      readonly name: Word
      readonly regex: Word
      readonly format: Word
    }

function readHeader(type: 'set-header' | 'add-header', args: Args): HeaderAction | undefined {
  const name = args.expect('<name> and <format>')
  const format = name === undefined ? undefined : args.expect('<format>')
  return name === undefined || format === undefined ? undefined : { type, name: withoutColon(name), format }
}

/** HAProxy takes a colon behind the name for a habit of the hand. */
function withoutColon(name: Word): Word {
  return /^[^:]+:$/.test(name.text) ? { ...name, text: name.text.slice(0, -1) } : name
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
