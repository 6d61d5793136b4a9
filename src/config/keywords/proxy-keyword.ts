/** How entries for proxy keywords are written shortly. */
import type { ProxyDraft } from '../draft/proxy.ts'
import type { Args } from '../text/args.ts'
import type { Word } from '../text/word.ts'
import { reportUnsupported } from './keyword.ts'
import type { Keyword, KeywordSection, Support } from './keyword.ts'

/** The sections of proxies. */
export type ProxySection = Extract<KeywordSection, 'defaults' | 'frontend' | 'listen' | 'backend'>

/** Where keywords of both sides may stand. */
export const everywhere: readonly ProxySection[] = ['defaults', 'frontend', 'listen', 'backend']
/** Where keywords of the client side may stand. */
export const frontends: readonly ProxySection[] = ['defaults', 'frontend', 'listen']
/** Where keywords of the server side may stand. */
export const backends: readonly ProxySection[] = ['defaults', 'listen', 'backend']

/** What most entries leave as it is. */
export interface More {
  readonly fallback?: string
  readonly since?: string
  readonly support?: Support
  readonly strict?: boolean
  readonly negatable?: boolean
}

/** An entry that is implemented. */
export function keyword(
  name: string,
  sections: readonly ProxySection[],
  syntax: string,
  doc: string,
  apply: Keyword<ProxyDraft>['apply'],
  more: More = {},
): Keyword<ProxyDraft> {
  return { name, sections, syntax, doc, support: 'yes', fallback: '', since: '1.3', ...more, apply }
}

/** Keywords with exactly one word behind them. */
export function oneWord(
  name: string,
  sections: readonly ProxySection[],
  syntax: string,
  doc: string,
  set: (proxy: ProxyDraft, word: Word, args: Args) => void,
  more: More & { readonly hint?: string } = {},
): Keyword<ProxyDraft> {
  const { hint, ...rest } = more
  const apply = (proxy: ProxyDraft, args: Args): void => {
    const word = args.expect(syntax)
    if (word !== undefined && args.end(hint)) set(proxy, word, args)
  }
  return keyword(name, sections, syntax, doc, apply, rest)
}

/** Keywords with exactly one number behind them. */
export function oneNumber(
  name: string,
  sections: readonly ProxySection[],
  doc: string,
  set: (proxy: ProxyDraft, value: number) => void,
  more: More = {},
): Keyword<ProxyDraft> {
  const apply = (proxy: ProxyDraft, args: Args): void => {
    const value = args.integer('<number>', name === 'id' ? 1 : 0)
    if (value === undefined || !args.end()) return
    set(proxy, value)
    if (more.support === 'ignored') reportUnsupported(args, 'ignored')
  }
  return keyword(name, sections, '<number>', doc, apply, more)
}
