/** `redirect` as a rule (configuration.txt 4.2 "redirect"). */
import type { Args } from '../text/args.ts'
import type { Word } from '../text/word.ts'
import { isCondition } from './action-info.ts'
import type { ActionInfo } from './action-info.ts'
import type { RuleSet } from './rule-set.ts'

/** `redirect {location|prefix|scheme} <format> [code N] [drop-query] [append-slash] [ignore-empty] [set-cookie C] [clear-cookie C]` */
export interface RedirectAction {
  readonly type: 'redirect'
  readonly kind: 'location' | 'prefix' | 'scheme'
  /** A log format, unless `literal` says that it is text: the keyword `redirect` of sections has no formats. */
  readonly format: Word
  readonly literal: boolean
  /** 301, 302, 303, 307 or 308. @default 302 */
  readonly status: number
  readonly dropQuery: boolean
  readonly appendSlash: boolean
  /** A location that comes out empty is no redirection: the rules go on. */
  readonly ignoreEmpty: boolean
  /** The value of a Set-Cookie header, ready to send but for the name of the header. */
  readonly setCookie: string | undefined
}

interface RedirectDraft {
  kind: RedirectAction['kind'] | undefined
  format: Word | undefined
  status: number
  dropQuery: boolean
  appendSlash: boolean
  ignoreEmpty: boolean
  setCookie: string | undefined
}

/**
 * Reads a redirection up to its condition or the end of the line.
 * @returns undefined when something is wrong with it, which was reported
 */
export function readRedirect(args: Args, ruleSet: RuleSet, literal = false): RedirectAction | undefined {
  const draft: RedirectDraft = {
    kind: undefined,
    format: undefined,
    status: 302,
    dropQuery: false,
    appendSlash: false,
    ignoreEmpty: false,
    setCookie: undefined,
  }
  for (;;) {
    const word = args.peek()
    if (word === undefined || isCondition(word)) break
    args.skip(1)
    if (!readArgument(args, word, draft)) return undefined
  }
  const { kind, format, ...rest } = draft
  if (kind === undefined || format === undefined) {
    return args.error('CFG_ARGUMENT_MISSING', args.place, "expects 'location', 'prefix' or 'scheme'")
  }
  if (ruleSet !== 'http-request' && kind !== 'location') {
    return args.error('CFG_ARGUMENT', args.place, `a response has only 'location', not '${kind}'`)
  }
  return { type: 'redirect', kind, format, literal, ...rest }
}

function readArgument(args: Args, word: Word, draft: RedirectDraft): boolean {
  switch (word.text) {
    case 'location':
    case 'prefix':
    case 'scheme':
      draft.kind = word.text
      draft.format = args.expect(`a format after '${word.text}'`)
      return draft.format !== undefined
    case 'code':
      return readCode(args, draft)
    case 'drop-query':
      draft.dropQuery = true
      return true
    case 'append-slash':
      draft.appendSlash = true
      return true
    case 'set-cookie':
    case 'clear-cookie':
      return readCookie(args, word.text, draft)
    case 'ignore-empty':
      draft.ignoreEmpty = true
      return true
    default:
      args.error('CFG_ARGUMENT', word.place, `unknown argument '${word.text}'`)
      return false
  }
}

function readCode(args: Args, draft: RedirectDraft): boolean {
  const status = args.oneOf('<code>', ['301', '302', '303', '307', '308'])
  draft.status = Number(status ?? 302)
  return status !== undefined
}

function readCookie(args: Args, kind: 'set-cookie' | 'clear-cookie', draft: RedirectDraft): boolean {
  const cookie = args.expect('<cookie>')
  if (cookie === undefined) return false
  draft.setCookie = kind === 'set-cookie' ? `${cookie.text}; path=/;` : `${cookie.text}; path=/; Max-Age=0;`
  return true
}

/** The only one. */
export const redirectActions: readonly ActionInfo<RedirectAction>[] = [
  {
    name: 'redirect',
    ruleSets: ['http-request', 'http-response'],
    syntax:
      '{location | prefix | scheme} <fmt> [code <code>] [drop-query] [append-slash] [ignore-empty] [set-cookie <c>] [clear-cookie <c>]',
    doc: "answer with a redirection; in place of a response only with 'location'",
    since: '1.5',
    final: true,
    read: (args, ruleSet) => readRedirect(args, ruleSet),
  },
]
