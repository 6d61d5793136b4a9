/**
 * What the registry knows of a keyword, and how a line finds its entry. Sections are tables of keywords; the
 * parameters of `bind` and `server` lines are such tables too.
 */
import { Args } from '../text/args.ts'
import type { Modifier } from '../text/args.ts'
import type { Diagnostics } from '../text/diagnostics.ts'
import { didYouMean } from '../../base/suggest.ts'
import type { Word } from '../text/word.ts'
import { remedyFor } from './remedies.ts'
import { removedKeywords } from './removed.ts'

/** Where a keyword may stand. `bind` and `server` stand for the parameters of such a line. */
export type KeywordSection =
  | 'global'
  | 'defaults'
  | 'frontend'
  | 'listen'
  | 'backend'
  | 'fcgi-app'
  | 'http-errors'
  | 'bind'
  | 'server'
  | 'spoe-agent'
  | 'spoe-message'
  | 'spoe-group'

/**
 * `yes`: it does what HAProxy's does. `ignored`: it is known, does nothing here, and is harmless to ignore (a warning).
 * `no`: it is known, and ignoring it would change what the proxy does (an error).
 */
export type Support = 'yes' | 'ignored' | 'no'

/** One entry of the registry, as documentation sees it. */
export interface KeywordInfo {
  /** One to three words, such as `mode`, `timeout client` or `tcp-request content accept`. */
  readonly name: string
  readonly sections: readonly KeywordSection[]
  readonly support: Support
  /** What follows the name. */
  readonly syntax: string
  /** What holds when the keyword is not given; '' when there is nothing to say. */
  readonly fallback: string
  /** One line. */
  readonly doc: string
  /** The HAProxy version that introduced it; '' when it is not recorded, {@link ownSince} when HAProxy does not have it. */
  readonly since: string
}

/** What stands for a version in the entry of a keyword of our own. `sluice check` tells people of it (src/lint). */
export const ownSince = 'sluice'

/** An entry that can be applied to the draft of its section. */
export interface Keyword<Target> extends KeywordInfo {
  /** Accepts `no` and `default` in front. */
  readonly negatable?: boolean
  /** Takes an argument in parentheses that is part of the word: `set-var(txn.a)`. */
  readonly parentheses?: boolean
  /** In a proxy section that lacks the needed side: an error rather than HAProxy's usual warning. */
  readonly strict?: boolean
  /** Words after the name, for parameters of `bind` and `server` lines that are only skipped. */
  readonly arity?: number
  /** Reads the arguments and changes the draft; reports what is wrong. */
  apply(target: Target, args: Args): void
}

/** What to do about Lua. */
export const luaHint = 'sluice has no Lua; what a script decides can be asked of an agent, with a SPOE filter'

/** The keywords of one kind of section. */
export class KeywordTable<Target> {
  readonly entries: readonly Keyword<Target>[]
  readonly #byName = new Map<string, Keyword<Target>>()
  /** First words of names with several words: `timeout`, `option`, `http-request`, ... */
  readonly #families = new Map<string, string[]>()

  constructor(entries: readonly Keyword<Target>[]) {
    this.entries = entries
    for (const entry of entries) {
      this.#byName.set(entry.name, entry)
      const words = entry.name.split(' ')
      for (let count = 1; count < words.length; count += 1) {
        const family = words.slice(0, count).join(' ')
        const members = this.#families.get(family) ?? []
        const member = words[count] ?? ''
        if (!members.includes(member)) members.push(member)
        this.#families.set(family, members)
      }
    }
  }

  /** The entry with the longest name that `words` begin with, and how many words the name takes. */
  find(words: readonly Word[]): { readonly entry: Keyword<Target>; readonly count: number } | undefined {
    // A name of several words begins with a family.
    const most = this.#families.has(words[0]?.text ?? '') ? 3 : 1
    for (let count = Math.min(most, words.length); count > 0; count -= 1) {
      const name = joined(words, count)
      const entry = this.#byName.get(name)
      if (entry !== undefined) return { entry, count }
      const paren = (words[count - 1]?.text ?? '').indexOf('(')
      if (paren < 0) continue
      const called = this.#byName.get(name.slice(0, name.lastIndexOf(words[count - 1]?.text ?? '') + paren))
      if (called?.parentheses === true) return { entry: called, count }
    }
    return undefined
  }

  /**
   * Reports that the first words are no keyword of `section`, with the nearest one that is.
   * @param others more words that could have been meant.
   */
  reportUnknown(
    words: readonly Word[],
    section: string,
    diagnostics: Diagnostics,
    others: readonly string[] = [],
  ): void {
    if (reportRemoved(words, diagnostics)) return
    for (let count = Math.min(2, words.length); count > 0; count -= 1) {
      const family = joined(words, count)
      const members = this.#families.get(family)
      if (members === undefined) continue
      const [last, word] = [words[count - 1], words[count]]
      if (word === undefined && last !== undefined) {
        const place = { ...last.place, column: last.place.column + last.text.length + 1 }
        return diagnostics.error('CFG_ARGUMENT_MISSING', place, `'${family}' needs one more word`)
      }
      if (word === undefined) return
      if (word.text.startsWith('lua.')) {
        const message = `'${family} ${word.text}' is an action of a Lua script`
        return diagnostics.error('CFG_KEYWORD_UNSUPPORTED', word.place, message, luaHint)
      }
      const hint = didYouMean(word.text.replace(/\(.*/s, ''), members)
      const message = `unknown keyword '${family} ${word.text}' in ${section}`
      return diagnostics.error('CFG_KEYWORD_UNKNOWN', word.place, message, hint)
    }
    const [word] = words
    if (word === undefined) return
    const names = [...this.#byName.keys(), ...this.#families.keys()].filter((name) => !name.includes(' '))
    const hint = didYouMean(word.text, [...names, ...others])
    diagnostics.error('CFG_KEYWORD_UNKNOWN', word.place, `unknown keyword '${word.text}' in ${section}`, hint)
  }
}

function joined(words: readonly Word[], count: number): string {
  if (count === 1) return words[0]?.text ?? ''
  return words
    .slice(0, count)
    .map((word) => word.text)
    .join(' ')
}

function reportRemoved(words: readonly Word[], diagnostics: Diagnostics): boolean {
  for (let count = Math.min(2, words.length); count > 0; count -= 1) {
    const name = joined(words, count)
    const removed = removedKeywords.get(name)
    const place = words[0]?.place
    if (removed === undefined || place === undefined) continue
    const message = `'${name}' is not supported since HAProxy ${removed.since}`
    diagnostics.error('CFG_KEYWORD_REMOVED', place, message, removed.hint)
    return true
  }
  return false
}

/** Reads a line of a section that has no sides: finds its keyword and applies it to `target`. */
export function applyLine<Target>(
  table: KeywordTable<Target>,
  target: Target,
  words: readonly Word[],
  line: {
    readonly modifier: Modifier
    readonly section: string
    readonly diagnostics: Diagnostics
    /** Names of sections, which a mistyped keyword may be. */
    readonly others: readonly string[]
  },
): void {
  const found = table.find(words)
  if (found === undefined) return table.reportUnknown(words, line.section, line.diagnostics, line.others)
  const args = new Args(words, found.count, line.modifier, line.diagnostics)
  if (refusesModifier(found.entry, args)) return
  found.entry.apply(target, args)
}

/** Whether `no` or `default` stands before a keyword that does not take it, which is reported. */
export function refusesModifier<Target>(entry: Keyword<Target>, args: Args): boolean {
  if (args.modifier === undefined || entry.negatable === true) return false
  args.error('CFG_NEGATION', args.place, `'${args.modifier}' cannot stand before it`)
  return true
}

/** Beside options, what HAProxy takes behind `no`. */
const negatables = 'log busy-polling set-dumpable strict-limits insecure-fork-wanted numa-cpu-mapping'.split(
  ' ',
)
/** Options that it does not take there. */
const lastingOptions = (
  'tcpka httpslog external-check ldap-check mysql-check pgsql-check redis-check smtpchk ssl-hello-chk tcp-check ' +
  'http-restrict-req-hdr-names originalto'
).split(' ')

function isNegatable(name: string): boolean {
  const [first = '', option = ''] = name.split(' ')
  return first === 'option' ? !lastingOptions.includes(option) : negatables.includes(first)
}

/** Reports a modifier in front of the line of a section. */
export function refuseSectionModifier(first: Word, modifier: Modifier, diagnostics: Diagnostics): void {
  if (modifier === undefined) return
  diagnostics.error('CFG_NEGATION', first.place, `'${first.text}': '${modifier}' cannot stand before it`)
}

/** An entry for a keyword that HAProxy knows and sluice does not implement. */
export function unsupportedKeyword<Target>(
  name: string,
  sections: readonly KeywordSection[],
  support: 'ignored' | 'no',
  more: { readonly arity?: number; readonly strict?: boolean; readonly hint?: string } = {},
): Keyword<Target> {
  const { hint, ...entry } = more
  return {
    name,
    sections,
    support,
    syntax: '',
    fallback: '',
    doc: '',
    since: '',
    negatable: isNegatable(name),
    parentheses: true,
    ...entry,
    apply: (_target, args) => {
      const isLua = args.peek()?.text.startsWith('lua.') === true
      if (args.modifier === undefined) reportUnsupported(args, support, isLua ? luaHint : hint)
      args.skip(more.arity ?? args.remaining)
    },
  }
}

/**
 * Entries for many such keywords. `names` are separated by spaces; `name:2` takes two words, and each name stands
 * behind `prefix`.
 */
export function unsupportedList<Target>(
  names: string,
  sections: readonly KeywordSection[],
  support: 'ignored' | 'no',
  {
    prefix = '',
    strict = false,
    hint,
  }: { readonly prefix?: string; readonly strict?: boolean; readonly hint?: string } = {},
): readonly Keyword<Target>[] {
  return names
    .trim()
    .split(/\s+/)
    .map((text) => {
      const [name = '', arity] = text.split(':')
      const more =
        sections[0] === 'bind' || sections[0] === 'server' ? { arity: Number(arity ?? 0) } : { strict }
      return unsupportedKeyword<Target>(`${prefix}${name}`, sections, support, {
        ...more,
        ...(hint === undefined ? {} : { hint }),
      })
    })
}

/** Says that sluice does not implement the keyword of `args`. */
export function reportUnsupported(args: Args, support: 'ignored' | 'no', hint?: string): void {
  const remedy = hint ?? remedyFor(args.keyword)
  if (support === 'ignored') {
    args.warning('CFG_KEYWORD_UNSUPPORTED', args.place, 'not implemented; it is ignored', remedy)
  } else {
    const reason = 'without it the proxy would not do what this file says'
    args.error('CFG_KEYWORD_UNSUPPORTED', args.place, 'not implemented', remedy ?? reason)
  }
}
