/** The arguments of `http-request redirect` (configuration.txt 4.2 "redirect"). */
import type { Args } from './args.ts'
import type { RedirectAction } from './model.ts'
import type { Word } from './word.ts'

interface RedirectDraft {
  kind: RedirectAction['kind'] | undefined
  format: Word | undefined
  status: number
  dropQuery: boolean
  appendSlash: boolean
  setCookie: string | undefined
}

/**
 * Reads a redirection up to its condition or the end of the line.
 * @returns undefined when something is wrong with it, which was reported.
 */
export function readRedirect(args: Args): RedirectAction | undefined {
  const draft: RedirectDraft = {
    kind: undefined,
    format: undefined,
    status: 302,
    dropQuery: false,
    appendSlash: false,
    setCookie: undefined,
  }
  for (;;) {
    const word = args.peek()
    if (word === undefined || word.text === 'if' || word.text === 'unless') break
    args.skip(1)
    if (!readArgument(args, word, draft)) return undefined
  }
  const { kind, format, status, dropQuery, appendSlash, setCookie } = draft
  if (kind === undefined || format === undefined) {
    return args.error('CFG_ARGUMENT_MISSING', args.place, "expects 'location', 'prefix' or 'scheme'")
  }
  return { type: 'redirect', kind, format, status, dropQuery, appendSlash, setCookie }
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
      args.error('CFG_VALUE_UNSUPPORTED', word.place, "'ignore-empty' is not implemented")
      return false
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
